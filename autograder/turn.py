"""One grader at a time for a course: reports and the gradebook bear no second one beside the first.

The lock is the system's own, held by the process: however a grader ends, nothing is left that would stop the next.
"""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO

from autograder.errors import OurError
from autograder.settings import Settings

WAITING = "Another grader is at work on this course; waiting until it has finished."


def take_turn(settings: Settings, tell: Callable[[str], None]) -> IO[str]:
    """The lock on the course, which lasts until it is closed. `tell` hears of it if another grader has it first.

    Raises OurError where no lock can be had at all: two graders would not see each other then.
    """
    course = str(settings.root).strip("/").replace("/", "-")[-200:]
    path = settings.state / "locks" / course
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("w")
    except OSError as error:
        raise _no_lock(path, error) from None
    try:
        _lock(file, tell)
    except OSError as error:
        file.close()
        raise _no_lock(path, error) from None
    except BaseException:  # Ctrl-C while waiting
        file.close()
        raise
    return file


def _lock(file: IO[str], tell: Callable[[str], None]) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        tell(WAITING)
        fcntl.lockf(file, fcntl.LOCK_EX)


def _no_lock(path: Path, error: OSError) -> OurError:
    return OurError(f"The lock {path}, which keeps a second grader waiting, cannot be had: {error.strerror}.")
