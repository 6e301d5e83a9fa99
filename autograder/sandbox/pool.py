"""The sandbox that grades: a warm fork server behind the seam, and confined workers that it forks in milliseconds."""

from __future__ import annotations

import socket
import threading
import warnings
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from autograder.errors import OurError
from autograder.records import Limits
from autograder.sandbox.layers import Machine, Plan, plan, probe
from autograder.sandbox.server import Server
from autograder.sandbox.student import WarmStudent

MAX_STARTS = 2


class WarmSandbox:
    """Opens enclosed workers, from any thread. The fork server starts with the first, and may die once."""

    def __init__(self, plan: Plan, warm: Path | None = None):
        self._plan, self._warm = plan, warm
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._starts = 0
        self._students: weakref.WeakSet[WarmStudent] = weakref.WeakSet()
        self._closed = False

    @property
    def layers(self) -> tuple[str, ...]:
        """The protections in force, for the report."""
        return self._plan.layers

    def open(
        self, limits: Limits, *, given: Mapping[str, str] = {}, arrays: Literal["jax", "numpy"] = "jax"
    ) -> WarmStudent:
        """A fresh worker with an empty namespace."""
        server = self._running()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = server.open(limits, theirs)
            except BaseException:
                ours.close()
                raise
        student = WarmStudent(process, ours, limits, given=given, arrays=arrays)
        with self._lock:
            self._students.add(student)
        return student

    def start(self) -> None:
        """Start the fork server now, rather than with the first worker."""
        self._running()

    def close(self) -> None:
        """Stop the fork server and every worker. Nothing of them stays behind."""
        with self._lock:
            self._closed = True
            for student in list(self._students):
                student.close()
            if self._server is not None:
                self._server.close()

    def __enter__(self) -> WarmSandbox:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _running(self) -> Server:
        with self._lock:
            if self._closed:
                raise OurError("the sandbox has been closed")
            if self._server is not None and self._server.alive:
                return self._server
            if self._starts == MAX_STARTS:
                raise OurError("the sandbox has died twice")
            if self._server is not None:
                self._server.close()
            self._starts += 1
            self._server = self._begun()
            return self._server

    def _begun(self) -> Server:
        """A new fork server. One that cannot be warmed costs time and nothing else, so it begins cold instead."""
        if self._warm is not None:
            try:
                return Server(self._plan, self._warm)
            except OurError as error:
                warnings.warn(f"Workers begin cold, and grading takes longer: {error}", stacklevel=2)
                self._warm = None
        return Server(self._plan)


def open_sandbox(*, trust: bool = False, machine: Machine | None = None, warm: Path | None = None) -> WarmSandbox:
    """The strongest sandbox this machine can hold. `MissingLayers` if that is too weak, unless `trust`.

    `warm` is a folder of compiled programs (`autograder.warming`) with which its workers begin.
    """
    return WarmSandbox(plan(machine or probe(), trust=trust), warm)
