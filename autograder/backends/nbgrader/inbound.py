"""What students laid into the exchange. Everybody may write there, so a name proves nothing, and nothing is followed.

nbgrader warns of a submission that belongs to somebody else and takes it all the same, follows links that the student
made with the rights of whoever collects, and gives up the whole class at the first name that it does not understand.
"""

from __future__ import annotations

import fnmatch
import os
import pwd
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NAME = re.compile(
    r"(?P<student>[^/]+?)\+(?P<assignment>\w+)\+(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) UTC(?:\+[\w=-]+)?"
)
SECRET, STAMP = "submission_secret.txt", "timestamp.txt"
MAX_FILES, MAX_SECRET = 500, 1000
OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True)
class Handed:
    """One submission in the exchange. `at` is in UTC, without a zone, as nbgrader keeps it."""

    student: str
    assignment: str
    at: datetime
    folder: Path


class Refused(Exception):
    """A folder that is not taken from the exchange; the message says why."""


def handed_in(inbound: Path, assignments: Collection[str], *, check_owner: bool) -> tuple[Handed, ...]:
    """All submissions that are what their names say, the newest first. With `check_owner`, others' are left out."""
    found = [h for h in _named(inbound) if h.assignment in assignments and (not check_owner or _is_owner(h))]
    return tuple(sorted(found, key=lambda h: (h.at, h.folder.name), reverse=True))


def newest(handed: Sequence[Handed]) -> dict[tuple[str, str], Handed]:
    """The last submission by student and assignment."""
    return {(h.student, h.assignment): h for h in reversed(handed)}


def take(
    handed: Handed, to: Path, *, check_owner: bool, ignore: Sequence[str] = (), max_bytes: int = 100_000_000
) -> None:
    """Copies the ordinary files of a submission into the new folder `to`. Links are left out.

    Raises Refused if it belongs to somebody else, or is too much.
    """
    try:
        top = os.open(handed.folder, OPEN | os.O_DIRECTORY)
    except OSError as error:
        raise Refused(f"{handed.folder.name} is no folder that can be opened: {error.strerror}.") from None
    try:
        owner = os.fstat(top).st_uid
        if check_owner and name_of(owner) != handed.student:
            raise Refused(f"{handed.folder.name} belongs to {name_of(owner)}, but should belong to {handed.student}.")
        room, files = max_bytes, 0
        to.mkdir(parents=True)
        for inside, folders, names, here in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            folders[:] = [f for f in folders if not _matches(f, ignore)]
            for name in names:
                if _matches(name, ignore):
                    continue
                data = _bytes(here, name, owner, room)
                if data is None:
                    continue
                room, files = room - len(data), files + 1
                if room < 0 or files > MAX_FILES:
                    raise Refused(
                        f"{handed.folder.name} is too large: at most {MAX_FILES} files and {max_bytes >> 20} MB."
                    )
                target = to / inside / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    finally:
        os.close(top)


def secret_of(folder: Path) -> str | None:
    """The secret under which nbgrader returns feedback on the submission in this folder, if it has one."""
    try:
        top = os.open(folder, OPEN | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        data = _bytes(top, SECRET, os.fstat(top).st_uid, MAX_SECRET)
    except OSError:
        return None
    finally:
        os.close(top)
    return data.decode("utf-8", "replace") if data is not None and 0 < len(data) <= MAX_SECRET else None


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the unknown user {uid}"


def _named(inbound: Path) -> Iterator[Handed]:
    try:
        names = os.listdir(inbound)
    except OSError:
        return
    for name in names:
        match = NAME.fullmatch(name)
        if match and match["student"] not in (".", ".."):
            at = parsed(match["at"])
            if at is not None:
                yield Handed(match["student"], match["assignment"], at, inbound / name)


def parsed(text: str) -> datetime | None:
    """A time as nbgrader writes it, in UTC and without a zone."""
    try:
        at = datetime.fromisoformat(text.removesuffix(" UTC").strip())
    except ValueError:
        return None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _is_owner(handed: Handed) -> bool:
    try:
        status = os.lstat(handed.folder)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and name_of(status.st_uid) == handed.student


def _bytes(folder: int, name: str, owner: int, room: int) -> bytes | None:
    """The bytes of an ordinary file of this owner, one more than `room` at most. None if it is something else."""
    try:
        handle = os.open(name, OPEN, dir_fd=folder)
    except OSError:  # a link, a socket, or gone meanwhile
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != owner:
            return None
        return file.read(room + 1)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
