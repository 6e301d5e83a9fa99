"""Notebooks into `submitted/`, as nbgrader lays it out. Nothing there is lost: what a newer one replaces, and what came
too late to count, is kept in `earlier/<student>/<chapter>/`.

A submission is made beside its place and moved there whole. Killed in between, the same command finishes it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from autograder.backends.inbox.guard import Archive, Refused
from autograder.backends.inbox.plan import Incoming
from autograder.errors import OurError

Action = Literal["new", "replaces", "unchanged", "older", "refused"]
STAMP = "timestamp.txt"
FORMAT = "%Y-%m-%d %H:%M:%S.%f"


@dataclass(frozen=True)
class Course:
    """Where a chapter's submissions are."""

    root: Path
    chapter: str

    def submitted(self, student: str) -> Path:
        return self.root / "submitted" / student / self.chapter

    def earlier(self, student: str) -> Path:
        return self.root / "earlier" / student / self.chapter

    def notebook(self, student: str) -> Path:
        return self.submitted(student) / f"{self.chapter}.ipynb"


@dataclass(frozen=True)
class Placed:
    """What becomes of one incoming notebook, and why."""

    incoming: Incoming
    action: Action
    note: str = ""


def place(course: Course, incoming: Incoming, archive: Archive, *, dry_run: bool) -> Placed:
    """Puts one notebook in its place, or says what would become of it."""
    data = archive.read(incoming.sent.member)
    if isinstance(data, Refused):
        return Placed(incoming, "refused", data.why)
    try:
        link = _link_on_the_way(course, incoming.student)
        if link is not None:
            return Placed(incoming, "refused", f"{link.relative_to(course.root)} is a link, but should be a folder")
        action, note = _decided(course, incoming, data)
        if not dry_run:
            _carry_out(course, incoming, data, action)
            for older in incoming.older:
                kept = archive.read(older.member)
                if isinstance(kept, bytes):
                    _keep(course, incoming.student, kept)
    except OSError as error:
        raise OurError(
            f"{error.filename or course.root} cannot be written: {error.strerror}. Mend it and repeat."
        ) from None
    return Placed(incoming, action, note)


def _decided(course: Course, incoming: Incoming, data: bytes) -> tuple[Action, str]:
    folder = course.submitted(incoming.student)
    if not folder.exists():
        return "new", ""
    if _same(course.notebook(incoming.student), data):
        return "unchanged", ""
    there = _stamp(folder)
    if there is not None and there > incoming.when:
        return "older", f"what is there is newer ({there:%Y-%m-%d %H:%M})"
    if not incoming.exact and _is_kept(course, incoming.student, data):
        return "older", "was replaced by what is there before"
    return "replaces", f"the one of {there:%Y-%m-%d %H:%M}" if there else "one without a time"


def _carry_out(course: Course, incoming: Incoming, data: bytes, action: Action) -> None:
    if action == "older":
        _keep(course, incoming.student, data)
    if action not in ("new", "replaces"):
        return
    target = course.submitted(incoming.student)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".incoming-*"):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix=".incoming-"))
    try:
        made.chmod(0o755)
        _write(made / f"{course.chapter}.ipynb", data)
        _write(made / STAMP, f"{incoming.when.strftime(FORMAT)} UTC".encode())
        if action == "replaces":
            _move_away(course, incoming.student)
        os.rename(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _move_away(course: Course, student: str) -> None:
    """The submission that is there, as a whole, under the time it bears."""
    folder, there = course.submitted(student), _stamp(course.submitted(student))
    name = f"{there:%Y-%m-%d %H.%M.%S}" if there else "without a time"
    kept, number = course.earlier(student) / name, 2
    kept.parent.mkdir(parents=True, exist_ok=True)
    while os.path.lexists(kept):
        kept, number = kept.with_name(f"{name} ({number})"), number + 1
    os.rename(folder, kept)


def _keep(course: Course, student: str, data: bytes) -> None:
    """A notebook that does not count, under a name that its bytes give it."""
    if _is_kept(course, student, data) or _same(course.notebook(student), data):
        return
    folder = course.earlier(student)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.blake2b(data, digest_size=6).hexdigest()}.ipynb"
    partial = folder / f".{path.name}.{os.getpid()}"
    try:
        _write(partial, data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _is_kept(course: Course, student: str, data: bytes) -> bool:
    return any(_same(path, data) for path in course.earlier(student).rglob("*.ipynb"))


def _same(path: Path, data: bytes) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _stamp(folder: Path) -> datetime | None:
    """When the submission in `folder` was handed in, by nbgrader's file; a student may have written it."""
    from nbgrader.utils import parse_utc

    path = folder / STAMP
    with suppress(Exception):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 200:
            found = parse_utc(path.read_text("utf-8").strip())
            return found if isinstance(found, datetime) else None
    return None


def _link_on_the_way(course: Course, student: str) -> Path | None:
    """The first folder on the way that is a link, which could lead anywhere."""
    for end in (course.submitted(student), course.earlier(student)):
        for path in (end.parent.parent, end.parent, end):
            if path.is_symlink():
                return path
    return None


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
