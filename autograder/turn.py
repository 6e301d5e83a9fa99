"""One grader at a time for a course: reports and the gradebook bear no second one beside the first.

The lock is the system's own, held by the process: however a grader ends, nothing is left that would stop the next.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from typing import IO

from autograder.settings import Settings

WAITING = "Another grader is at work on this course; waiting until it has finished."


def take_turn(settings: Settings, tell: Callable[[str], None]) -> IO[str]:
    """The lock on the course, which lasts until it is closed. `tell` hears of it if another grader has it first."""
    course = str(settings.root).strip("/").replace("/", "-")[-200:]
    path = settings.state / "locks" / course
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = path.open("w")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or not to be had at once
        tell(WAITING)
        fcntl.lockf(file, fcntl.LOCK_EX)
    return file
