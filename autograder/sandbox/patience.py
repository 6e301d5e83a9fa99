"""How long the grader waits: a worker's time does not run while it stands in line for a processor, within limits.

The kernel counts for each thread how long it was ready to run and did not (`schedstat`). A deadline moves by that, as
far as `seam.forgiven` allows. Where the kernel does not count, nothing moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.sandbox.seam import forgiven

PROC = Path("/proc")
MAX_TASKS = 256


class Patience:
    """A deadline of `seconds` from now, for a worker that had stood in line for `before` seconds when it was last
    looked at; `waited()` looks again, which takes a while and is done only when the time seems to be up."""

    def __init__(self, seconds: float, waited: Callable[[], float], before: float):
        self._seconds, self._waited, self._before = seconds, waited, before
        self._plain = time.monotonic() + seconds
        self._given_back = 0.0

    def until(self) -> float:
        """The deadline as of now, on the monotonic clock."""
        if self._plain + self._given_back <= time.monotonic():
            self._given_back = forgiven(self._waited() - self._before, self._seconds)
        return self._plain + self._given_back


def stood_in_line(pid: int) -> float:
    """Seconds that the threads of this process and of those it started have been ready to run and did not.

    Threads that have ended are not counted any more. 0 where the kernel does not tell.
    """
    total = 0
    for task, _ in zip(_tasks(pid), range(MAX_TASKS), strict=False):
        try:
            total += int((task / "schedstat").read_bytes().split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return total / 1e9


def pid_of(pidfd: int) -> int | None:
    """The number, here, of the process behind a descriptor; None if it has ended."""
    try:
        facts = (PROC / "self" / "fdinfo" / str(pidfd)).read_text("ascii")
    except OSError:
        return None
    number = next((line.split()[1] for line in facts.splitlines() if line.startswith("Pid:")), "-1")
    return int(number) if int(number) > 0 else None


def _tasks(pid: int) -> Iterator[Path]:
    """The threads of a process and of its descendants."""
    try:
        tasks = list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return
    for task in tasks:
        yield task
        try:
            children = (task / "children").read_text("ascii").split()
        except OSError:
            continue
        for child in children:
            yield from _tasks(int(child))
