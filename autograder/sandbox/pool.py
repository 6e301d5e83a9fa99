"""The sandbox that grades: a warm fork server behind the seam, and confined workers that it forks in milliseconds."""

from __future__ import annotations

import socket
import threading
import warnings
import weakref
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from autograder.errors import OurError
from autograder.records import NO_FRAMEWORKS, Frameworks, Limits
from autograder.sandbox.device import CPU, Device
from autograder.sandbox.layers import Machine, Plan, plan, probe
from autograder.sandbox.server import Server
from autograder.sandbox.student import WarmStudent

MAX_STARTS = 2
MAX_SERVERS = 4
"""At once, since each keeps its libraries in memory. Whoever comes later imports what they need themselves."""
RECYCLED = 1000
"""After so many workers a fork server gives way to a new one, so that nothing can build up in it."""


class WarmSandbox:
    """Opens enclosed workers, from any thread. There is a fork server for each set of frameworks that submissions
    import; each starts with its first worker, and may die once. What is to be computed on a `gpu` has fork servers of
    its own. If it `draws`, workers begin ready to. What is listed in the file `programs`, if there is one, is traced
    beforehand (`autograder learn`)."""

    def __init__(
        self,
        plan: Plan,
        gpu: Device | None = None,
        *,
        device: Device = CPU,
        draws: bool = False,
        programs: Path | None = None,
    ):
        self._plan, self._device, self._draws, self._programs = plan, device, draws, programs
        self._gpu = WarmSandbox(plan, device=gpu, draws=draws) if gpu else None
        self._lock = threading.RLock()
        self._servers: dict[Frameworks, Server] = {}
        self._starts: Counter[Frameworks] = Counter()
        self._unfit: set[Frameworks] = set()
        self._retired: list[Server] = []
        self._students: weakref.WeakSet[WarmStudent] = weakref.WeakSet()
        self._closed = False

    @property
    def layers(self) -> tuple[str, ...]:
        """The protections in force, for the report."""
        return (*self._plan.layers, *(self._gpu or self)._device.layers)

    def open(
        self,
        limits: Limits,
        *,
        given: Mapping[str, str] = {},
        arrays: Literal["jax", "numpy"] = "jax",
        frameworks: Frameworks = NO_FRAMEWORKS,
    ) -> WarmStudent:
        """A fresh worker with an empty namespace."""
        if limits.device != self._device.kind:
            if self._gpu is None:
                raise OurError(f"a worker should compute on the {limits.device}, but this sandbox has none")
            return self._gpu.open(limits, given=given, arrays=arrays, frameworks=frameworks)
        server = self._running(frameworks)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = server.open(limits, theirs, frameworks.also)
            except BaseException:
                ours.close()
                raise
        student = WarmStudent(process, ours, limits, given=given, arrays=arrays)
        with self._lock:
            self._students.add(student)
        return student

    def start(self) -> None:
        """Start the fork server now, rather than with the first worker."""
        self._running(NO_FRAMEWORKS)

    def expect(self, frameworks: Frameworks) -> None:
        """Start a fork server beside other work. What goes wrong is told to whoever opens a worker."""

        def begin() -> None:
            with suppress(OurError):
                self._running(frameworks)

        threading.Thread(target=begin, name="autograder-expects", daemon=True).start()

    def close(self) -> None:
        """Stop the fork server and every worker. Nothing of them stays behind."""
        if self._gpu is not None:
            self._gpu.close()
        with self._lock:
            self._closed = True
            for student in list(self._students):
                student.close()
            for server in (*self._servers.values(), *self._retired):
                server.close()

    def __enter__(self) -> WarmSandbox:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _running(self, frameworks: Frameworks) -> Server:
        """The fork server for these frameworks, or the one without any where there are too many already."""
        with self._lock:
            if self._closed:
                raise OurError("the sandbox has been closed")
            if frameworks in self._unfit or (frameworks not in self._servers and len(self._servers) >= MAX_SERVERS - 1):
                frameworks = NO_FRAMEWORKS  # for which there is always room
            server = self._servers.get(frameworks)
            if server is not None and server.alive and server.opened < RECYCLED:
                return server
            if server is not None and server.alive:
                self._retired.append(server)
                self._starts[frameworks] = 0
            elif server is not None:
                server.close()
            self._close_idle()
            return self._begun(frameworks)

    def _close_idle(self) -> None:
        """Ends the fork servers that have given way to others, once their workers have ended."""
        for server in [s for s in self._retired if s.idle or not s.alive]:
            server.close()
            self._retired.remove(server)

    def _begun(self, frameworks: Frameworks) -> Server:
        """A new fork server. One that cannot load a framework costs time and nothing else."""
        if self._starts[frameworks] == MAX_STARTS:
            raise OurError("the sandbox has died twice")
        self._starts[frameworks] += 1
        try:
            self._servers[frameworks] = server = self._started(frameworks)
            return server
        except OurError as error:
            if frameworks == NO_FRAMEWORKS:
                raise
            names = " and ".join(frameworks.libraries)
            warnings.warn(f"Workers load {names} themselves, and grading takes longer: {error}", stacklevel=2)
            self._unfit.add(frameworks)
        return self._running(NO_FRAMEWORKS)

    def _started(self, frameworks: Frameworks) -> Server:
        return Server(self._plan, frameworks, self._device, draws=self._draws, programs=self._programs)


def open_sandbox(
    *,
    trust: bool = False,
    machine: Machine | None = None,
    gpu: Device | None = None,
    draws: bool = False,
    programs: Path | None = None,
) -> WarmSandbox:
    """The strongest sandbox this machine can hold. `MissingLayers` if that is too weak, unless `trust`.

    If somebody will look at what cells draw (`draws`), workers begin ready to. What is listed in the file `programs`
    (`autograder learn`), if there is one, is traced before they begin, unless they compute on `gpu`.
    """
    return WarmSandbox(plan(machine or probe(), trust=trust), gpu, draws=draws, programs=programs)
