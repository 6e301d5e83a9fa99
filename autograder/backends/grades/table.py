"""What a grade is, who it belongs to, and whether it may leave. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from autograder.errors import UsageError

State = Literal["graded", "waits", "not graded", "missing"]
"""graded: final · waits: a person has points to give · not graded: read by nobody yet, or not readable · missing:
nothing was handed in"""


@dataclass(frozen=True)
class Person:
    """A student by all names that an LMS may know them under. `id` is the folder in `submitted/`."""

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    lms: str = ""
    """What the LMS itself calls its user, as nbgrader's `lms_user_id` has it: Canvas's ID, or the user of LTI."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Further names from a map file, by its columns: `username`, `idnumber`, `lti`, ..."""

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}".strip()


@dataclass(frozen=True)
class Grade:
    """One student's grade of one chapter. `score` has the late penalty taken off; it is None where there is none."""

    person: Person
    chapter: str
    score: float | None
    max_score: float
    state: State
    penalty: float = 0.0
    waiting: tuple[str, ...] = ()
    """What a person has to grade, or why there is no score."""


@dataclass(frozen=True)
class Choice:
    """What an instructor wants done with grades that are no final ones."""

    provisional: bool = False
    only_graded: bool = False
    missing_zero: bool = False


def exportable(grades: Iterable[Grade], choice: Choice) -> tuple[Grade, ...]:
    """The grades as they are to be exported: a score, or None for a cell that is left alone.

    Raises UsageError, with the names, where grades await somebody and the choice says nothing about them. What was not
    graded at all never becomes a number: that would be a zero for somebody else's failure.
    """
    found = tuple(grades)
    open_ones = [g for g in found if g.state in ("waits", "not graded")]
    if open_ones and not (choice.provisional or choice.only_graded):
        raise UsageError(_refusal(open_ones))
    return tuple(_chosen(g, choice) for g in found)


def _chosen(grade: Grade, choice: Choice) -> Grade:
    match grade.state:
        case "missing":
            return replace(grade, score=0.0 if choice.missing_zero else None)
        case "waits":
            return grade if choice.provisional else replace(grade, score=None)
        case "not graded":
            return replace(grade, score=None)
        case _:
            return grade


def _refusal(open_ones: Sequence[Grade]) -> str:
    lines = [f"  {printable(g.person.id)}, {g.chapter}: {', '.join(g.waiting) or g.state}" for g in open_ones[:20]]
    if len(open_ones) > 20:
        lines.append(f"  and {len(open_ones) - 20} more")
    return (
        f"{counted(len(open_ones), 'grade')} not final, so nothing was written:\n" + "\n".join(lines) + "\n"
        "Grade these first (nbgrader's formgrader), or say --only-graded to leave them out, or --provisional to export "
        "the points given so far."
    )


def number(value: float, comma: bool = False) -> str:
    """A score as it is written in a file: at most four decimals, and none that say nothing."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text
    return text.replace(".", ",") if comma else text


def key(text: str) -> str:
    """A name as it is compared: Unicode's composed form, without regard to case and outer spaces."""
    return unicodedata.normalize("NFC", text).strip().casefold()


def counted(number: int, what: str) -> str:
    """`1 grade`, `2 grades`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Text of a stranger's on one line, without control and direction characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def identified(people: Iterable[Person], rows: Sequence[Mapping[str, str]]) -> tuple[Person, ...]:
    """The people with what a map file says of them, and those whom only the file knows.

    `rows` have a column `student`; `first`, `last`, `email` and `lms` replace what is known, all else is kept beside.
    """
    known = {person.id: person for person in people}
    for row in rows:
        said = {column: text for column, text in row.items() if text}
        student = said.pop("student", "")
        person = known.get(student, Person(student))
        own = {column: said.pop(column) for column in ("first", "last", "email", "lms") if column in said}
        known[student] = replace(person, **own, others={**person.others, **said})
    return tuple(known.values())
