"""One fork server's life, as the grader sees it: started, asked for workers, told how they ended, stopped.

A thread of its own starts the server and reads from it until the end, because bubblewrap dies with the thread that
started it, and a grader may open its first worker from a thread that soon ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from autograder.errors import OurError
from autograder.records import NO_FRAMEWORKS, Frameworks, Limits
from autograder.sandbox import launch
from autograder.sandbox.device import CPU, Device
from autograder.sandbox.layers import Plan
from autograder.sandbox.patience import pid_of, stood_in_line
from autograder.sandbox.zygote import CONTROL_MESSAGE

START_SECONDS = 120.0
OPEN_SECONDS = 60.0
DEATH_SECONDS = 10.0


@dataclass(frozen=True)
class End:
    """How a worker's process ended: its wait status, its largest memory and its processor time."""

    status: int
    peak_mb: int
    cpu: float

    @property
    def signal(self) -> int:
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0


class Process:
    """A worker's process, which can be ended at once and whose end is told."""

    def __init__(self, pidfd: int, ended: Future[End], scratch: Path | None):
        self._pidfd, self._ended, self._scratch = pidfd, ended, scratch
        self._pid: int | None = None
        self._lock = threading.Lock()

    def ended(self, *, seconds: float) -> End | None:
        """How it ended; None if it has not within `seconds`. `OurError` if the fork server died with it."""
        try:
            return self._ended.result(seconds)
        except FutureTimeout:
            return None

    def stood_in_line(self) -> float:
        """Seconds for which it was ready to run and another process had the processor; 0 if it has ended."""
        if self._pid is None:
            self._pid = pid_of(self._pidfd) if self._pidfd >= 0 else None
        return 0.0 if self._pid is None or self._pidfd < 0 else stood_in_line(self._pid)

    def kill(self) -> None:
        """End it and everything it started, and wait until it has gone. Two threads may: a closing sandbox is one."""
        with self._lock:
            if self._pidfd < 0:
                return
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            poll.poll(DEATH_SECONDS * 1000)
            os.close(self._pidfd)
            self._pidfd = -1
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)


class Server:
    """A running fork server. `OurError` at birth if it could not start, with its reason."""

    def __init__(
        self,
        plan: Plan,
        frameworks: Frameworks = NO_FRAMEWORKS,
        device: Device = CPU,
        *,
        draws: bool = False,
        programs: Path | None = None,
    ):
        self._plan, self._frameworks, self._device = plan, frameworks, device
        self._draws, self._programs = draws, programs
        self._count = 0
        self._lock = threading.Lock()
        self._opened: dict[int, Future[int]] = {}
        self._ended: dict[int, Future[End]] = {}
        self._home = None if plan.bwrap else _folder(plan.uid)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, args=(theirs,), name="autograder-sandbox", daemon=True)
        self._thread.start()
        try:
            self._ready.result(START_SECONDS)
        except FutureTimeout:
            self.close()
            raise OurError("the sandbox did not start in time") from None
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and self._ready.done()

    @property
    def opened(self) -> int:
        """How many workers it was asked for."""
        return self._count

    @property
    def idle(self) -> bool:
        """Whether all of them have ended."""
        return not self._ended

    @property
    def pid(self) -> int:
        """The process that was started: bubblewrap, or the fork server itself."""
        return self._process.pid

    def open(self, limits: Limits, theirs: socket.socket, also: Sequence[str] = ()) -> Process:
        """A new worker's process that talks through `theirs`, and has modules loaded that it will import `also`."""
        opened, ended = Future[int](), Future[End]()
        scratch = None
        if self._home is not None:
            scratch = _folder(self._plan.uid, parent=self._home)
        with self._lock:
            self._count += 1
            number = self._count
        request = {
            "number": number,
            "scratch": str(scratch or launch.SCRATCH),
            "memory_mb": limits.memory_mb,
            "processes": limits.processes,
            "disk_mb": limits.disk_mb,
            "seconds": limits.submission_seconds,
            "also": also,
        }
        with self._lock:
            self._opened[number], self._ended[number] = opened, ended
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
            except OSError:
                raise OurError("the sandbox has died") from None
        if not self._thread.is_alive():  # it may have died before it could see these futures
            self._mourn()
        try:
            return Process(opened.result(OPEN_SECONDS), ended, scratch)
        except FutureTimeout:
            raise OurError("the sandbox did not answer") from None

    def close(self) -> None:
        """Stop the server, and with it every worker."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEATH_SECONDS)
        self._control.close()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def _live(self, theirs: socket.socket) -> None:
        with tempfile.TemporaryFile() as complaints:
            try:
                self._process = self._started(theirs, complaints)
            except OSError as error:
                self._ready.set_exception(OurError(f"the sandbox could not be started: {error}"))
                return
            finally:
                theirs.close()
            try:
                self._listen()
            except OSError:
                pass
            finally:
                self._stop()
                complaints.seek(0)
                reason = complaints.read(4000).decode(errors="replace").strip() or "it ended without a word"
                if not self._ready.done():
                    self._ready.set_exception(OurError(f"the sandbox could not be started: {reason}"))
                self._mourn()

    def _started(self, theirs: socket.socket, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
        plan, home = self._plan, str(self._home or launch.SCRATCH)
        if plan.bwrap:
            command = launch.bwrap_command(plan.bwrap, privileged=plan.privileged, device=self._device)
            engine, user = launch.ENGINE, None if plan.privileged else plan.uid
        else:
            command, engine, user = [], launch.staged(Path(home)), plan.uid
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command + launch.python_command(engine, "zygote"),
            env=launch.environment(home, self._frameworks.keras_backend, self._device),
            cwd="/",
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        config = {
            "uid": plan.uid,
            "namespaces": plan.bwrap is not None,
            "landlock": plan.landlock,
            "seccomp": plan.seccomp,
            "readable": [*launch.readable(), *self._device.libraries, *self._device.facts, engine],
            "libraries": [*self._frameworks.libraries, *self._frameworks.also],
            "draws": self._draws,
            "gpu": self._device.kind == "gpu",
            "platform": self._device.platform,
            "nodes": self._device.nodes,
        }
        with contextlib.ExitStack() as opened:
            files = []
            if self._programs is not None:
                with contextlib.suppress(FileNotFoundError):
                    files.append(opened.enter_context(self._programs.open()))
            socket.send_fds(self._control, [json.dumps(config).encode()], [file.fileno() for file in files])
        return process

    def _listen(self) -> None:
        while True:
            message, fds, _, _ = socket.recv_fds(self._control, CONTROL_MESSAGE, 1)
            if not message:
                return
            self._hear(json.loads(message), fds)

    def _hear(self, message: dict[str, Any], fds: list[int]) -> None:
        match message:
            case {"kind": "ready"}:
                self._ready.set_result(None)
            case {"kind": "failed", "message": reason}:
                self._ready.set_exception(OurError(f"the sandbox could not be started: {reason}"))
            case {"kind": "opened", "number": number}:
                self._opened.pop(number).set_result(fds[0])
            case {"kind": "ended", "number": number, "status": status, "peak_mb": peak, "cpu": cpu}:
                self._ended.pop(number).set_result(End(status, peak, cpu))

    def _stop(self) -> None:
        """The process has hung up, or was hung up on: make sure that it is gone."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(DEATH_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _mourn(self) -> None:
        """Nobody will answer any more: those who wait learn that it was our failure."""
        with self._lock:
            waiting: list[Future[Any]] = [*self._opened.values(), *self._ended.values()]
            self._opened.clear()
            self._ended.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(OurError("the sandbox has died"))


def _folder(uid: int | None, parent: Path | None = None) -> Path:
    """A new folder that belongs to the workers' user."""
    folder = Path(tempfile.mkdtemp(prefix=launch.FOLDER if parent is None else "worker-", dir=parent))
    if uid is not None:
        os.chown(folder, uid, uid)
    return folder
