"""Moodle: its own grading worksheet or gradebook export, filled; or a fresh file for its gradebook import. Pure.

The worksheet of an assignment has `Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be
changed,...`; the gradebook's export has names, `ID number`, `Email address` and a column for each grade item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.backends.grades.cells import Cells
from autograder.backends.grades.fill import Filled, Layout, Line, fill
from autograder.backends.grades.plain import as_csv, dangerous, defused
from autograder.backends.grades.table import Grade, Person, key, number
from autograder.errors import UsageError

GRADE, MOST, OPEN = "grade", "maximum grade", "grade can be changed"
KEYS: dict[str, Callable[[Person], Sequence[str]]] = {
    "email address": lambda p: (p.email,),
    "id number": lambda p: (p.others.get("idnumber", ""), p.id),
    "username": lambda p: (p.others.get("username", ""), p.id),
    "identifier": lambda p: (moodle := p.others.get("moodle", "")) and (moodle, f"Participant {moodle}"),
}
BY = {"email": "Email address", "username": "Username", "id": "ID number"}


def fill_moodle(
    cells: Cells, grades: Sequence[Grade], *, titles: Sequence[str], column: str = "", scale: bool = False
) -> Filled:
    """The file with the grades of one chapter: in `column`, in the worksheet's Grade, or in the item called as one of
    `titles`. Cells that the worksheet says cannot be changed stay."""
    header = [key(title) for title in cells.texts[0]]
    names = {i: KEYS[title] for i, title in enumerate(header) if title in KEYS}
    if not names:
        raise UsageError(
            f"{cells.name} has none of the columns Identifier, Username, ID number and Email address, but should be a "
            "grading worksheet or a gradebook export of Moodle, in English: it has "
            f"{', '.join(cells.texts[0][:6])}."
        )
    target = _target(cells, header, titles, column)
    can = header.index(OPEN) if OPEN in header else None
    most = header.index(MOST) if MOST in header and header[target] == GRADE else None

    def label(row: Sequence[str]) -> str:
        return " ".join(text for text in row[:3] if text)

    def closed(row: Sequence[str]) -> str:
        return "Moodle says that it cannot be changed" if can is not None and key(row[can]) == "no" else ""

    factor = _factor(cells, most, grades, scale) if most is not None else 1.0
    return fill(cells, Layout(target, 1, names, label, closed), grades, scale=factor)


def fresh_moodle(grades: Sequence[Grade], *, by: str, title: str) -> Filled:
    """A new file for Moodle's gradebook import: one key (`email`, `username` or `id`) and one grade item.

    A student without that key, or with one that a spreadsheet would run, is listed instead of written.
    """
    if by not in BY:
        raise UsageError(f"--by is {by}, but should be one of {', '.join(BY)}.")
    names = KEYS[key(BY[by])]
    rows, lines = [[BY[by], defused(title)]], []
    for grade in grades:
        found = next((name.strip() for name in names(grade.person) if name.strip()), "")
        now = "" if grade.score is None else number(grade.score)
        note = "" if now else f"{grade.state}: left out"
        if not found:
            note = f"has no {BY[by].lower()}: add it to the gradebook or to a --map file"
        elif dangerous(found):
            note = f"the {BY[by].lower()} would run in a spreadsheet, and cannot be changed without losing the student"
        if now and not note:
            rows.append([found, now])
        lines.append(Line(grade.person.id, len(rows) if now and not note else None, "", now, note))
    chapter = grades[0].chapter if grades else ""
    return Filled(as_csv(rows), tuple(lines), chapter, title)


def _target(cells: Cells, header: Sequence[str], titles: Sequence[str], column: str) -> int:
    if column:
        found = [i for i, title in enumerate(header) if title == key(column)]
    elif "identifier" in header and GRADE in header:
        found = [header.index(GRADE)]
    else:
        items = {key(t) for t in titles} | {f"assignment: {key(t)} (real)" for t in titles}
        found = [i for i, title in enumerate(header) if title in items]
    if len(found) == 1 and header[found[0]] not in {*KEYS, MOST, OPEN}:
        return found[0]
    there = "\n".join(f"  {title}" for title in cells.texts[0])
    raise UsageError(f"{cells.name} has no one column for these grades. Name it with --column:\n{there}")


def _factor(cells: Cells, most: int, grades: Sequence[Grade], scale: bool) -> float:
    """Moodle's maximum over ours, from the first row that says one."""
    ours = max((g.max_score for g in grades), default=0.0)
    for row in cells.texts[1:]:
        try:
            theirs = float(row[most].replace(",", ".") if cells.comma else row[most])
        except (ValueError, IndexError):
            continue
        if not ours or abs(theirs - ours) < 1e-6:
            return 1.0
        if scale:
            return theirs / ours
        raise UsageError(
            f"{cells.name} has a Maximum Grade of {number(theirs)}, but the chapter has {number(ours)} points. "
            "Change it in Moodle and export again, or say --scale to write proportional points."
        )
    return 1.0
