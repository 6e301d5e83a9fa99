"""Grades put into the rows of somebody's own file: whose row is whose, and what is left alone. Pure.

A row is a student's if one of its names is one of theirs, and no name of either says otherwise. Where two rows or two
students could be meant, nothing is written and both are listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.backends.grades.cells import Cells, written
from autograder.backends.grades.table import Grade, Person, key, number


@dataclass(frozen=True)
class Layout:
    """Where things are in a file. `names` says for a column which names of a person may stand in it."""

    column: int
    first: int
    names: Mapping[int, Callable[[Person], Sequence[str]]]
    label: Callable[[Sequence[str]], str]
    closed: Callable[[Sequence[str]], str]
    """Why the cell of this row is not to be written, or nothing."""


@dataclass(frozen=True)
class Line:
    """What came of one student or one row, for a person to read. `row` is as the file numbers them, from 1."""

    who: str
    row: int | None
    was: str
    now: str
    note: str = ""


@dataclass(frozen=True)
class Filled:
    """A file, filled: its bytes, and what was done."""

    data: bytes
    lines: tuple[Line, ...]
    chapter: str
    column: str

    @property
    def unplaced(self) -> tuple[Line, ...]:
        """Scores that found no place, which somebody should look at."""
        return tuple(line for line in self.lines if line.note and line.now)


def fill(cells: Cells, layout: Layout, grades: Sequence[Grade], *, scale: float = 1.0) -> Filled:
    """Writes each grade that has a score into its student's row."""
    rows = [i for i in range(layout.first, len(cells.texts)) if cells.texts[i] != ("",)]
    found = _matches(cells, layout, rows, grades)
    claimed: dict[int, list[int]] = defaultdict(list)
    for g, matches in enumerate(found):
        for row in matches:
            claimed[row].append(g)
    changes: dict[tuple[int, int], str] = {}
    lines: list[Line] = []
    for g, grade in enumerate(grades):
        now = "" if grade.score is None else number(grade.score * scale, cells.comma)
        if len(found[g]) != 1 or len(claimed[found[g][0]]) != 1:
            lines.append(Line(grade.person.id, None, "", now, _unclear(found[g], claimed)))
            continue
        (row,) = found[g]
        texts = cells.texts[row]
        was = texts[layout.column] if layout.column < len(texts) else ""
        why = layout.closed(texts) if len(texts) > layout.column else "its row is shorter than the header"
        if now and not why:
            changes[row, layout.column] = now
        note = why if now else {"missing": "handed in nothing: left as it was"}.get(grade.state, f"{grade.state}: left")
        lines.append(Line(grade.person.id, row + 1, was, now, note))
    for row in rows:
        if row not in claimed:
            lines.append(Line(layout.label(cells.texts[row]), row + 1, "", "", "in the file, but not in the gradebook"))
    title = cells.texts[0][layout.column]
    chapter = grades[0].chapter if grades else ""
    return Filled(written(cells, changes), tuple(lines), chapter, title)


def _matches(cells: Cells, layout: Layout, rows: Sequence[int], grades: Sequence[Grade]) -> list[list[int]]:
    """For each grade the rows that could be its student's."""
    index: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row in rows:
        for column in layout.names:
            if column < len(cells.texts[row]) and key(cells.texts[row][column]):
                index[column, key(cells.texts[row][column])].append(row)
    found = []
    for grade in grades:
        rows_of: set[int] = set()
        for column, names in layout.names.items():
            for name in names(grade.person):
                rows_of.update(index.get((column, key(name)), ()) if key(name) else ())
        found.append(sorted(rows_of))
    return found


def _unclear(rows: Sequence[int], claimed: Mapping[int, Sequence[int]]) -> str:
    if not rows:
        return "not in the file"
    if len(rows) > 1:
        return f"could be rows {', '.join(str(row + 1) for row in rows)}: written to none"
    return f"row {rows[0] + 1} could also be another student's: written to none"
