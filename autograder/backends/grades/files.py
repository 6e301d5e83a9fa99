"""The files of an export: a map, the instructor's own file, reports of grading, and what is written in the end.

What is written appears all at once, and never in place of the file that it was made from.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from autograder.backends.grades.cells import Cells, read_cells
from autograder.backends.grades.table import Grade, Person, State
from autograder.errors import UsageError

MAP_BYTES = 8 << 20


def open_cells(path: Path) -> Cells:
    """The cells of the instructor's file."""
    return read_cells(_bytes(path), path.name)


def read_map(path: Path | None) -> tuple[dict[str, str], ...]:
    """The rows of a map file, CSV with a column `student` and others. Raises UsageError for a student named twice."""
    if path is None:
        return ()
    cells = read_cells(_bytes(path), path.name)
    header = [title.strip().casefold() for title in cells.texts[0]]
    if "student" not in header or len(set(header)) < len(header):
        raise UsageError(
            f"{path} has the columns {', '.join(header)}, but should have `student` and others such as `email`, "
            "`username`, `idnumber`, `lms`, each once."
        )
    rows = [dict(zip(header, map(str.strip, row), strict=False)) for row in cells.texts[1:] if any(row)]
    students = [row.get("student", "") for row in rows]
    twice = sorted({s for s in students if students.count(s) > 1 or not s})
    if twice:
        who = f"{twice[0]} twice" if twice[0] else "no student in a row"
        raise UsageError(f"{path} names {who}, but should name each student once.")
    return tuple(rows)


def grades_of_reports(
    paths: Sequence[Path],
    chapters: Sequence[str],
    people: Sequence[Person],
    written: Callable[[str], Mapping[str, float]],
) -> tuple[Grade, ...]:
    """The grades in reports of `autograder grade --json`.

    Reports hold what a machine graded. `written` gives the questions of a chapter that are answered in words, and their
    points: with such, every grade still waits for a person.
    """
    from autograder.classroom.reading import read_reports

    kept = read_reports(paths)
    missing = [name for name in chapters if name not in kept]
    if missing or not kept:
        where = ", ".join(map(str, paths))
        raise UsageError(f"There are no reports of {', '.join(missing) or 'any chapter'} in {where}.")
    known = {person.id: person for person in people}
    found = []
    for chapter in chapters or kept:
        by_hand = written(chapter)
        graded = {g.student: g for g in kept[chapter].submissions}
        most = max((g.max_score for g in graded.values()), default=0.0) + sum(by_hand.values())
        for student in sorted(known.keys() | graded.keys()):
            person, entry = known.get(student, Person(student)), graded.get(student)
            if entry is None:
                found.append(Grade(person, chapter, None, most, "missing"))
            elif entry.status != "graded":
                why = (entry.message or entry.status,)
                found.append(Grade(person, chapter, None, most, "not graded", waiting=why))
            else:
                state: State = "waits" if by_hand else "graded"
                found.append(Grade(person, chapter, entry.score, most, state, waiting=tuple(by_hand)))
    return tuple(found)


def write_export(path: Path, data: bytes, *, made_from: Path | None = None, overwrite: bool = False) -> None:
    """Writes the whole file or nothing. Raises UsageError where it would replace its own source, or something else."""
    if made_from is not None and path.exists() and path.samefile(made_from):
        raise UsageError(f"{path} is the file to be filled, and stays as it is. Choose another name with --to.")
    if os.path.lexists(path) and (not overwrite or not path.is_file() or path.is_symlink()):
        raise UsageError(f"{path} is there already. Choose another name with --to, or say --overwrite.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")  # private: these are grades
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Choose another place with --to.") from None


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > 4 * MAP_BYTES:
            raise UsageError(f"{path} has {path.stat().st_size >> 20} MB, but should be a file of grades.")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Name a CSV file.") from None
