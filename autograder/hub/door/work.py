"""What an instructor's buttons start: nbgrader's own commands, one at a time, which can be stopped and begun again.

They run as processes of their own in the course's folder, without the hub's tokens, and take their turn like any other
grader. What a killed one left behind, the next one finishes.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autograder.hub.door.book import stamp
from autograder.hub.door.classes import ALIVE, Progress
from autograder.hub.door.place import Place
from autograder.records import Graded
from autograder.settings import without_hub
from autograder.tally import Tally

WHAT = {
    "release": "Release",
    "collect": "Collect",
    "grade": "Grade all",
    "again": "Grade again",
    "return": "Release feedback",
}
SIGNS = {"autograde": "Autograding ", "generate_feedback": "Converting notebook "}
"""The line of nbgrader's log which says that the next submission has begun."""

PATIENCE = 20.0
"""Seconds from asking a process to stop to ending it."""

KEPT_LINES = 12
NOISE = re.compile(r"^\[\w+ \| \w+\] ?")


@dataclass
class Job:
    """One thing to do with one assignment. `state` is waiting, running, stopping, done, stopped or failed."""

    kind: str
    assignment: str
    state: str = "waiting"
    step: str = ""
    tally: Tally | None = None
    log: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    def progress(self, now: float) -> Progress:
        """What the page says of it."""
        share = self.tally.finished / self.tally.total if self.tally and self.tally.total and self.alive else None
        words = self.tally.words(now) if self.tally and share is not None else ""
        log = tuple(self.log) if self.state == "failed" else ()
        return Progress(WHAT[self.kind], self.state, words, share, log)


@dataclass
class Work:
    """The jobs of a course, done one after another by `run`."""

    place: Place
    program: Sequence[str] = (sys.executable, "-m", "nbgrader")
    jobs: dict[str, Job] = field(default_factory=dict)
    queue: asyncio.Queue[Job] = field(default_factory=asyncio.Queue)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def begin(self, kind: str, assignment: str) -> bool:
        """Puts a job last in the line. False if something is being done with this assignment already."""
        old = self.jobs.get(assignment)
        if old and old.alive:
            return False
        self.jobs[assignment] = job = Job(kind, assignment)
        self.queue.put_nowait(job)
        return True

    def stop(self, assignment: str) -> None:
        """Ends what is being done with an assignment; what had finished is kept."""
        job = self.jobs.get(assignment)
        if job is None or not job.alive:
            return
        job.state = "stopped" if job.state == "waiting" else "stopping"
        _signal(job.process, signal.SIGINT)
        if job.process:
            asyncio.get_running_loop().call_later(PATIENCE, _signal, job.process, signal.SIGKILL)

    async def run(self) -> None:
        """Works for ever."""
        while True:
            job = await self.queue.get()
            async with self.busy:
                if job.state != "waiting":  # it was stopped meanwhile
                    continue
                try:
                    await self._do(job)
                except OSError as error:
                    job.state = "failed"
                    job.log.append(f"{error.strerror or error}")

    def close(self) -> None:
        for assignment in list(self.jobs):
            self.stop(assignment)

    async def _do(self, job: Job) -> None:
        job.state = "running"
        for command in self._commands(job):
            job.step = command[0]
            job.tally = self._tally(job)
            code = await self._one(job, command)
            if job.state != "running":
                job.state = "stopped"
                return
            if code:
                job.state = "failed"
                return
        job.state = "done"

    def _commands(self, job: Job) -> list[list[str]]:
        name = job.assignment
        return {
            "release": [["generate_assignment", name, "--force"], ["release_assignment", name, "--force"]],
            "collect": [["collect", name, "--update"]],
            "grade": [["collect", name, "--update"], ["autograde", name]],
            "again": [["collect", name, "--update"], ["autograde", name, "--force", "--Reader.reuse=True"]],
            "return": [["generate_feedback", name, "--force"], ["release_feedback", name]],
        }[job.kind]

    def _tally(self, job: Job) -> Tally | None:
        if job.step == "autograde":
            found = waiting(self.place.root, job.assignment, again=job.kind == "again")
            return Tally(len(found), time.monotonic())
        if job.step == "generate_feedback":
            folders = list((self.place.root / "autograded").glob(f"*/{job.assignment}"))
            return Tally(len(folders), time.monotonic())
        return None

    async def _one(self, job: Job, command: Sequence[str]) -> int:
        environment = without_hub() | {"AUTOGRADER_STATE": str(self.place.settings.state), "PYTHONUNBUFFERED": "1"}
        here = str(Path(sys.executable).parent)
        environment["PATH"] = os.pathsep.join([here, environment.get("PATH", os.defpath)])
        job.process = await asyncio.create_subprocess_exec(
            *self.program,
            *command,
            cwd=self.place.root,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1 << 20,
        )
        assert job.process.stdout is not None
        try:
            begun = 0
            async for line in _lines(job.process.stdout):
                job.log.append(NOISE.sub("", line)[:500])
                if SIGNS.get(job.step, "\0") in line:
                    begun += 1
                    if begun > 1:  # the one before has finished
                        _count(job)
            code = await job.process.wait()
            if begun and not code:
                _count(job)
            return code
        finally:
            _signal(job.process, signal.SIGKILL)
            job.process = None


def waiting(root: Path, assignment: str, *, again: bool = False) -> list[str]:
    """Whose submission `nbgrader autograde` would take up, by its own rule: all, if told to grade again."""
    found = []
    for folder in sorted((root / "submitted").glob(f"*/{assignment}")):
        student = folder.parent.name
        graded = root / "autograded" / student / assignment
        new, old = stamp(folder), stamp(graded)
        if not student.startswith(".") and (again or not graded.exists() or (new and old and new > old)):
            found.append(student)
    return found


def _count(job: Job) -> None:
    if job.tally and job.tally.finished < job.tally.total:
        job.tally.add(Graded("", "", "graded"), time.monotonic())


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # a line without end
            continue
        if not line:
            return
        yield line.decode("utf-8", "replace").rstrip()


def _signal(process: asyncio.subprocess.Process | None, number: int) -> None:
    """Sends a signal to a process and to all that it started."""
    if process is not None and process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
