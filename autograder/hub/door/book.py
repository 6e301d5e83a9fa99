"""The gradebook and the exchange, read: what is known of each assignment and of each submission. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.backends.nbgrader.inbound import SECRET, STAMP, Handed, handed_in, parsed, secret_of
from autograder.hub.door.place import Place

SQLITE = "sqlite:///"
MAX_STAMP = 100


@dataclass(frozen=True)
class Grade:
    """How a submission stands in the gradebook. `open` says that a person has still to grade some of it."""

    student: str
    name: str
    at: datetime | None
    score: float
    max_score: float
    open: bool


@dataclass(frozen=True)
class Assignment:
    """What is known of one assignment: `handed` holds every submission of the exchange, the newest first; `returned`
    whose feedback on what was collected is out."""

    name: str
    title: str
    cites: str = ""
    released: bool = False
    due: datetime | None = None
    points: float | None = None
    handed: Sequence[Handed] = ()
    collected: Mapping[str, datetime | None] = field(default_factory=dict)
    grades: Mapping[str, Grade] = field(default_factory=dict)
    returned: frozenset[str] = frozenset()

    def last(self, student: str) -> Handed | None:
        """This student's last submission, if it is still in the exchange."""
        return next((h for h in self.handed if h.student == student), None)


def read_book(place: Place) -> tuple[Assignment, ...]:
    """Every chapter of the course, in its order."""
    chapters = place.course.chapters
    handed = handed_in(place.inbound, tuple(chapters), check_owner=place.check_owner)
    entries = _entries(place)
    return tuple(
        Assignment(
            c.name,
            c.title,
            c.cites,
            released=(place.outbound / c.name).is_dir(),
            handed=tuple(h for h in handed if h.assignment == c.name),
            collected=(collected := _collected(place.root, c.name)),
            returned=frozenset(s for s in collected if _page(place, c.name, _folder(place, c.name, s))),
            **entries.get(c.name, {}),
        )
        for c in chapters.values()
    )


def returned(place: Place, assignment: Assignment, student: str) -> tuple[datetime | None, Path] | None:
    """The newest feedback that was released to this student: when the work was handed in, and the page."""
    folders = [(h.at, h.folder) for h in assignment.handed if h.student == student]
    if student in assignment.collected:
        folders.append((assignment.collected[student] or datetime.min, _folder(place, assignment.name, student)))
    for at, folder in sorted(folders, reverse=True):
        if page := _page(place, assignment.name, folder):
            return (None if at == datetime.min else at), page
    return None


def _folder(place: Place, assignment: str, student: str) -> Path:
    return place.root / "submitted" / student / assignment


def _page(place: Place, assignment: str, folder: Path) -> Path | None:
    """The page that was returned on the submission in this folder, under the name that nbgrader gives it."""
    from nbgrader.utils import notebook_hash

    if not (secret := secret_of(folder)):
        return None
    page = place.returned / f"{notebook_hash(secret=secret, notebook_id=assignment)}.html"
    return page if page.is_file() else None


def _collected(root: Path, chapter: str) -> dict[str, datetime | None]:
    """Who is in nbgrader's `submitted/`, and of when."""
    found = {}
    for folder in (root / "submitted").glob(f"*/{chapter}"):
        if not folder.is_symlink() and folder.is_dir() and not folder.parent.name.startswith("."):
            found[folder.parent.name] = stamp(folder)
    return found


def stamp(folder: Path) -> datetime | None:
    """The time that nbgrader wrote into a folder."""
    path = folder / STAMP
    try:
        return None if path.is_symlink() else parsed(path.read_bytes()[:MAX_STAMP].decode("utf-8", "replace"))
    except OSError:
        return None


def _entries(place: Place) -> dict[str, dict[str, Any]]:
    """What the gradebook holds. One that is not there yet is not made by looking."""
    database = place.database
    if database.startswith(SQLITE) and not Path(database.removeprefix(SQLITE)).exists():
        return {}
    from nbgrader.api import Gradebook, MissingEntry

    found: dict[str, dict[str, Any]] = {}
    with Gradebook(database, place.course.name) as gradebook:
        for name in place.course.chapters:
            try:
                assignment = gradebook.find_assignment(name)
            except MissingEntry:
                continue
            rows = gradebook.submission_dicts(name)
            found[name] = {
                "due": assignment.duedate,
                "points": float(assignment.max_score or 0.0) or None,
                "grades": {row["student"]: _grade(row) for row in rows},
            }
    return found


def _grade(row: Mapping[str, Any]) -> Grade:
    name = " ".join(n for n in (row["first_name"], row["last_name"]) if n)
    return Grade(
        row["student"],
        name,
        row["timestamp"],
        float(row["score"]),
        float(row["max_score"]),
        bool(row["needs_manual_grade"]),
    )


def local(at: datetime) -> datetime:
    """A time of nbgrader's in the zone of this machine."""
    return at.replace(tzinfo=UTC).astimezone()


__all__ = ["SECRET", "Assignment", "Grade", "local", "read_book", "returned", "stamp"]
