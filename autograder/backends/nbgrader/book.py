"""The gradebook, read through nbgrader's own interface: who is in the class, when a chapter is due, and the grades."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config.loader import PyFileConfigLoader

from autograder.backends.grades.table import Grade, Person
from autograder.errors import OurError, UsageError


@dataclass(frozen=True)
class Roster:
    """The class, and when the chapter is due (UTC, without a zone, as nbgrader keeps it)."""

    people: tuple[Person, ...]
    due: datetime | None = None


def read_roster(root: Path, chapter: str) -> Roster:
    """Everyone in the gradebook of the course at `root`; nobody where there is no gradebook yet."""
    if _is_absent(_address(root)):
        return Roster(())
    with _opened(root) as gradebook:
        try:
            due = gradebook.find_assignment(chapter).duedate
        except MissingEntry:
            due = None
        return Roster(tuple(sorted(map(_person, gradebook.students), key=lambda p: p.id)), due)


def read_grades(root: Path, chapters: Sequence[str]) -> tuple[Grade, ...]:
    """The grades of everyone in these chapters, by chapter and student. Raises UsageError where there are none."""
    address = _address(root)
    if _is_absent(address):
        raise UsageError(
            f"{root} has no gradebook, so there is nothing to export. Grade first: `nbgrader autograde "
            f"{chapters[0]}`, or name reports of `autograder grade --json` with --from."
        )
    with _opened(root) as gradebook:
        people = {student.id: _person(student) for student in gradebook.students}
        return tuple(grade for chapter in chapters for grade in _of(gradebook, chapter, people))


def known_chapters(root: Path) -> tuple[str, ...]:
    """The chapters that the gradebook has; none where there is no gradebook."""
    if _is_absent(_address(root)):
        return ()
    with _opened(root) as gradebook:
        return tuple(assignment.name for assignment in gradebook.assignments)


def _of(gradebook: Any, chapter: str, people: dict[str, Person]) -> Iterator[Grade]:
    try:
        most = float(gradebook.find_assignment(chapter).max_score)
    except MissingEntry:
        raise UsageError(
            f"{chapter} is not in the gradebook. Release it first: `nbgrader generate_assignment {chapter}`."
        ) from None
    handed_in = {s.student_id: s for s in gradebook.assignment_submissions(chapter)}
    for student, person in sorted(people.items()):
        if student not in handed_in:
            yield Grade(person, chapter, None, most, "missing")
        else:
            yield _grade(handed_in[student], person, chapter, most)


def _grade(submission: Any, person: Person, chapter: str, most: float) -> Grade:
    """What nbgrader has, with what it leaves open: it counts a cell that nobody graded as a zero."""
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    open_cells = [g for g in grades if g.needs_manual_grade or (g.manual_score is None and g.auto_score is None)]
    waiting = tuple(g.name for g in open_cells)
    if not grades:
        return Grade(person, chapter, None, most, "not graded", waiting=("nothing of it is graded",))
    if any(g.cell.cell_type == "code" and g.manual_score is None and g.auto_score is None for g in open_cells):
        return Grade(person, chapter, None, most, "not graded", waiting=waiting)
    penalty = float(submission.late_submission_penalty or 0.0)
    score = max(0.0, float(sum(g.score for g in grades)) - penalty)
    return Grade(person, chapter, score, most, "waits" if open_cells else "graded", penalty, waiting)


def _person(student: Any) -> Person:
    names = (student.id, student.first_name, student.last_name, student.email, student.lms_user_id)
    own, first, last, email, lms = (str(name or "") for name in names)
    return Person(own, first, last, email, lms)


def _address(root: Path) -> str:
    """The database that nbgrader would use: what `nbgrader_config.py` says, or a file in the course."""
    config = root / "nbgrader_config.py"
    if config.is_file():
        said = PyFileConfigLoader(config.name, path=str(root)).load_config().get("CourseDirectory", {})
        if isinstance(said.get("db_url"), str):
            return str(said["db_url"])
    return f"sqlite:///{root / 'gradebook.db'}"


def _is_absent(address: str) -> bool:
    """Whether this is a file that is not there, which nbgrader would make."""
    return address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).is_file()


@contextmanager
def _opened(root: Path) -> Iterator[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Gradebook(_address(root)) as gradebook:
                yield gradebook
    except SQLAlchemyError as error:
        raise OurError(f"The gradebook cannot be read: {str(error).splitlines()[0]}") from None
