"""Looks into the exchange for submissions to try, and has them graded, one at a time and not beside a class."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.backends.nbgrader.inbound import Handed, Refused, handed_in, newest, take
from autograder.errors import OurError, UsageError
from autograder.hub.door import tries
from autograder.hub.door.place import Place, current
from autograder.hub.door.tries import Rule, Try
from autograder.kept import key_of, record_from_text
from autograder.notebook.read import Unreadable, find, read
from autograder.records import Graded
from autograder.settings import without_hub

EVERY = 5.0
"""Seconds between two looks."""

IDLE = 600.0
"""Seconds after which a grader with nothing to do is let go; it holds much memory."""

PATIENCE = 900.0
"""Seconds to wait for one result, the opening of a session included."""

log = logging.getLogger(__name__)


@dataclass
class Grader:
    """The process that grades tries, begun when it is needed and again when the course has changed."""

    place: Place
    process: asyncio.subprocess.Process | None = None
    of: float = 0.0
    used: float = 0.0

    async def grade(self, chapter: str, student: str, path: Path) -> Graded:
        """One notebook, graded. A grader that dies is a failure of ours."""
        changed = _changed(self.place.root)
        if self.process is None or self.process.returncode is not None or changed != self.of:
            await self.close()
            self.of = changed
            self.process = await self._open()
        self.used = time.monotonic()
        assert self.process.stdin and self.process.stdout
        try:
            line = json.dumps({"chapter": chapter, "student": student, "path": str(path)})
            self.process.stdin.write(line.encode() + b"\n")
            await self.process.stdin.drain()
            answer = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
            return record_from_text(answer.decode())
        except (TimeoutError, ValueError, OSError, LookupError, TypeError) as error:
            log.error("The grader of tries gave no result: %s", error)
            await self.close()
            return Graded(student, "", "failed-ours")

    async def rest(self) -> None:
        """Lets the process go if there was nothing to do for long."""
        if self.process and time.monotonic() - self.used > IDLE:
            await self.close()

    async def close(self) -> None:
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            if process.stdin:
                process.stdin.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)
                await process.wait()

    async def _open(self) -> asyncio.subprocess.Process:
        settings = self.place.settings
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "autograder.hub.door.trying"),
            *("--course", str(settings.root), "--state", str(settings.state)),
            env=without_hub(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=64 << 20,
        )


@dataclass
class Watch:
    """Tries the newest submission of every student, where the instructor switched that on."""

    place: Place
    busy: asyncio.Lock
    grade: Callable[[str, str, Path], Awaitable[Graded]]
    clock: Callable[[], float] = time.time

    async def run(self, rest: Callable[[], Awaitable[None]]) -> None:
        """Looks for ever, and rests in between."""
        while True:
            try:
                await self.look()
            except (OSError, OurError) as error:  # a full disk, say; the next look may do better
                log.error("Looking for submissions failed: %s", error)
            await rest()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """One look at the exchange."""
        rules = {name: rule for name, rule in tries.read_rules(self.place.own).items() if rule.on}
        wanted = [name for name in current(self.place).course.chapters if name in rules]
        if not wanted:
            return
        found = await asyncio.to_thread(handed_in, self.place.inbound, wanted, check_owner=self.place.check_owner)
        for handed in sorted(newest(found).values(), key=lambda h: h.at):  # who waited longest comes first
            done = tries.read_tries(self.place.own, handed.assignment, handed.student)
            name = tries.handed_name(handed.at)
            if not any(t.handed == name for t in done):
                async with self.busy:
                    tried = await self._try(handed, rules[handed.assignment], done, name)
                tries.write_tries(self.place.own, handed.assignment, handed.student, (*done, tried))

    async def _try(self, handed: Handed, rule: Rule, done: Sequence[Try], name: str) -> Try:
        at = self.clock()
        with tempfile.TemporaryDirectory(prefix="try-") as folder:
            try:
                path = await asyncio.to_thread(self._fetch, handed, Path(folder))
                submission = await asyncio.to_thread(read, path, handed.student)
            except (Refused, Unreadable, UsageError) as error:
                return Try(name, at, "", "unreadable", tries.shown(at), message=str(error))
            key = key_of(submission)
            if same := tries.known(done, key):
                return replace(same, handed=name, at=at, shown_from=tries.shown(at), again=True)
            if message := tries.refusal(rule, done, at):
                return Try(name, at, key, "refused", at, message=message)
            graded = await self.grade(handed.assignment, handed.student, path)
        return tries.counted(graded, handed=name, at=at, key=key, now=self.clock())

    def _fetch(self, handed: Handed, folder: Path) -> Path:
        """A copy of the submission that nobody else can change, laid out as nbgrader does: its notebook."""
        took = folder / handed.student / handed.assignment
        take(
            handed,
            took,
            check_owner=self.place.check_owner,
            ignore=self.place.ignore,
            max_bytes=self.place.max_bytes,
        )
        found = dict(find(folder, handed.assignment))
        return found.get(handed.student, took / f"{handed.assignment}.ipynb")


def _changed(root: Path) -> float:
    """When the course's own code last changed."""
    parts = [*(root / "source").glob("*.py"), *(root / "source").glob("course.*"), *(root / "solutions").rglob("*.py")]
    return max((path.stat().st_mtime for path in parts), default=0.0)
