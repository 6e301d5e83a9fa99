"""CSV files of our own: for a spreadsheet, and in the columns of Gradescope's grades. Pure.

A spreadsheet runs a cell that begins with = + - or @. Such text gets an apostrophe in front, which spreadsheets show as
text; numbers that we wrote ourselves never begin so.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from autograder.backends.grades.fill import Filled, Line
from autograder.backends.grades.table import Grade, number, printable

_STARTS = re.compile(r"^ *[=+\-@\uff1d\uff0b\uff0d\uff20]")
HEADER = (
    "student", "last name", "first name", "email", "chapter", "score", "max score", "late penalty", "state", 
    "waits for",
)  # fmt: skip
GRADESCOPE = (
    "First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Max Points", "Status", "Submission ID",
    "Submission Time", "Lateness (H:M:S)",
)  # fmt: skip
STATUS = {"graded": "Graded", "waits": "Ungraded", "not graded": "Ungraded", "missing": "Missing"}


def defused(text: str) -> str:
    """Text that a spreadsheet shows and does not run: one line, and an apostrophe before what begins a formula.

    Semicolons become commas, and quotation marks apostrophes: a spreadsheet that parts cells by semicolons would cut
    our cells there, and begin new ones in the middle of a name.
    """
    plain = printable(text).replace(";", ",").replace('"', "'")
    return f"'{plain}" if _STARTS.match(plain) else plain


def dangerous(text: str) -> bool:
    """Whether a spreadsheet could run this text, or lose what it says."""
    return defused(text) != text


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as CSV in UTF-8, with a byte-order mark, by which spreadsheets know the encoding."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\r\n").writerows(rows)
    return stream.getvalue().encode("utf-8-sig", "replace")


def plain_csv(grades: Sequence[Grade]) -> Filled:
    """One row a student and chapter, with everything that is known: for people and their spreadsheets."""
    rows: list[Sequence[str]] = [HEADER]
    for grade in grades:
        person = grade.person
        texts = [defused(t) for t in (person.id, person.last, person.first, person.email, grade.chapter)]
        numbers = [_or_nothing(grade.score), number(grade.max_score), number(grade.penalty)]
        rows.append([*texts, *numbers, grade.state, defused(", ".join(grade.waiting))])
    return Filled(as_csv(rows), _lines(grades), "", "score")


def gradescope_csv(grades: Sequence[Grade]) -> Filled:
    """The columns of Gradescope's own "Download Grades", for whatever reads those."""
    rows: list[Sequence[str]] = [GRADESCOPE]
    for grade in grades:
        person = grade.person
        sid = person.others.get("sid") or person.others.get("idnumber") or person.id
        texts = [defused(t) for t in (person.first, person.last, sid, person.email)]
        rows.append([*texts, "", _or_nothing(grade.score), number(grade.max_score), STATUS[grade.state], "", "", ""])
    return Filled(as_csv(rows), _lines(grades), grades[0].chapter if grades else "", "Total Score")


def _or_nothing(score: float | None) -> str:
    return "" if score is None else number(score)


def _lines(grades: Sequence[Grade]) -> tuple[Line, ...]:
    return tuple(
        Line(g.person.id, i, "", _or_nothing(g.score), "" if g.score is not None else g.state)
        for i, g in enumerate(grades, start=2)
    )
