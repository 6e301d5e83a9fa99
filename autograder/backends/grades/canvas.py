"""Canvas's gradebook export, filled: the instructor's own file, so that every id in it is Canvas's. Pure.

Canvas writes `Student,ID,SIS User ID,SIS Login ID,Section,<Assignment (id)>,...`, then perhaps a row about posting,
then the row "Points Possible", in which columns that cannot be imported say "(read only)".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.backends.grades.cells import Cells
from autograder.backends.grades.fill import Filled, Layout, fill
from autograder.backends.grades.table import Grade, Person, key, number
from autograder.errors import UsageError

POINTS = "points possible"
ASSIGNMENT = re.compile(r"^(?P<title>.*) \((?P<id>\d+)\)$", re.DOTALL)
UNTOUCHED = {"ex": "excused in Canvas", "n/a": "not assigned in Canvas"}


def fill_canvas(
    cells: Cells, grades: Sequence[Grade], *, titles: Sequence[str], column: str = "", scale: bool = False
) -> Filled:
    """The file with the grades of one chapter in the column of its assignment.

    `titles` are the names that the assignment may have, unless `column` says its title or number. Raises UsageError for
    a file that is not Canvas's, a column that is not there or is read-only, or points that are not ours.
    """
    header = cells.texts[0]
    if "ID" not in header:
        raise UsageError(
            f"{cells.name} has no column ID, but should be what Canvas exports (Grades, Export): it has "
            f"{', '.join(header[:6])}."
        )
    place = header.index("ID")
    points = _points_row(cells, place)
    target = _target(cells, titles, column)
    possible = cells.texts[points][target].strip() if target < len(cells.texts[points]) else ""
    factor = _factor(cells, header[target], possible, grades, scale)
    names = {i: _NAMES[title] for i, title in enumerate(header) if title in _NAMES}

    def label(row: Sequence[str]) -> str:
        return f"{row[0]} (ID {row[place] if place < len(row) else ''})"

    def closed(row: Sequence[str]) -> str:
        return UNTOUCHED.get(row[target].strip().lower(), "")

    return fill(cells, Layout(target, points + 1, names, label, closed), grades, scale=factor)


def _login(person: Person) -> tuple[str, ...]:
    return (person.id, person.email, person.others.get("username", ""))


_NAMES = {
    "ID": lambda p: (p.lms, p.others.get("canvas", "")),
    "SIS User ID": lambda p: (p.id, p.others.get("idnumber", "")),
    "SIS Login ID": _login,
    "Integration ID": lambda p: (p.others.get("integration", ""),),
}


def _points_row(cells: Cells, place: int) -> int:
    """The last of the rows above the students, which have no ID. Its first cell says Points Possible."""
    for i, row in enumerate(cells.texts[1:], start=1):
        if key(row[0]) == POINTS:
            return i
        if place < len(row) and row[place].strip():
            break
    raise UsageError(
        f"{cells.name} has no row 'Points Possible' above its students, but should be as Canvas exported it. "
        "Export it again."
    )


def _target(cells: Cells, titles: Sequence[str], column: str) -> int:
    header = cells.texts[0]
    assignments = {i: found for i, title in enumerate(header) if (found := ASSIGNMENT.match(title))}
    if column:
        wanted = [i for i, m in assignments.items() if column in (m["id"], m.string) or key(column) == key(m["title"])]
        what = f"column {column}"
    else:
        own = {key(title) for title in titles}
        wanted = [i for i, m in assignments.items() if key(m["title"]) in own]
        what = f"assignment called {' or '.join(titles)}"
    if len(wanted) == 1:
        return wanted[0]
    there = "\n".join(f"  {m.string}" for m in assignments.values()) or "  none"
    many = "more than one" if wanted else "no"
    raise UsageError(f"{cells.name} has {many} {what}. Name one with --column, by its number or whole title:\n{there}")


def _factor(cells: Cells, title: str, possible: str, grades: Sequence[Grade], scale: bool) -> float:
    try:
        points = float(possible.replace(",", ".") if cells.comma else possible)
    except ValueError:
        raise UsageError(
            f"The column {title} says {possible or 'nothing'!r} in the row Points Possible, but should have a number: "
            "Canvas would not import it. Choose another with --column."
        ) from None
    ours = max((g.max_score for g in grades), default=points)
    if abs(points - ours) < 1e-6 or not ours:
        return 1.0
    if scale:
        return points / ours
    raise UsageError(
        f"The column {title} is worth {number(points)} points, but the chapter {number(ours)}. Change it in Canvas and "
        "export again, or say --scale to write proportional points."
    )
