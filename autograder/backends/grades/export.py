"""One export, from the gradebook to the file: what the command does, without the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.backends.grades.canvas import fill_canvas
from autograder.backends.grades.files import grades_of_reports, open_cells, read_map, write_export
from autograder.backends.grades.fill import Filled
from autograder.backends.grades.moodle import fill_moodle, fresh_moodle
from autograder.backends.grades.plain import gradescope_csv, plain_csv
from autograder.backends.grades.table import Choice, Grade, exportable, identified
from autograder.course import Course, entry_of, load_chapter
from autograder.errors import UsageError


@dataclass(frozen=True)
class Order:
    """What to export and where. `file` is the instructor's own, `sources` are reports in place of the gradebook."""

    kind: str
    chapters: tuple[str, ...]
    choice: Choice
    file: Path | None = None
    to: Path | None = None
    sources: tuple[Path, ...] = ()
    map_file: Path | None = None
    column: str = ""
    by: str = "email"
    scale: bool = False
    overwrite: bool = False
    dry_run: bool = False


def read_table(
    course: Course, chapters: Sequence[str], sources: Sequence[Path], map_file: Path | None
) -> tuple[Grade, ...]:
    """Everyone's grades in these chapters, with the names that a map file adds."""
    from autograder.backends.nbgrader.book import read_grades, read_roster

    for chapter in chapters:
        entry_of(course, chapter)
    rows = read_map(map_file)
    if sources:
        people = identified(read_roster(course.root, chapters[0] if chapters else "").people, rows)
        return grades_of_reports(sources, chapters, people, lambda name: _written(course, name))
    grades = read_grades(course.root, list(chapters) or list(course.chapters))
    named = {person.id: person for person in identified([g.person for g in grades], rows)}
    return tuple(replace(g, person=named[g.person.id]) for g in grades)


def export(course: Course, order: Order) -> tuple[Filled, Path]:
    """What is written, or would be, and where. Raises UsageError before anything is written."""
    if order.kind != "csv" and len(order.chapters) != 1:
        raise UsageError(f"`export {order.kind}` takes one chapter: a column of its file is one assignment.")
    if order.file is not None and order.kind not in ("canvas", "moodle"):
        raise UsageError(f"`export {order.kind}` fills no file: leave --file out, or export canvas or moodle.")
    chapters = order.chapters
    if order.kind == "csv" and not order.sources and not chapters:
        chapters = _released(course)
    grades = exportable(read_table(course, chapters, order.sources, order.map_file), order.choice)
    filled = _filled(course, order, grades)
    path = order.to or course.root / "exports" / f"{'-'.join((*order.chapters, order.kind))}.csv"
    if not order.dry_run:
        write_export(path, filled.data, made_from=order.file, overwrite=order.overwrite)
    return filled, path


def _filled(course: Course, order: Order, grades: Sequence[Grade]) -> Filled:
    if order.kind == "csv":
        return plain_csv(grades)
    if order.kind == "gradescope":
        return gradescope_csv(grades)
    chapter = entry_of(course, order.chapters[0])
    titles = (chapter.title, chapter.name)
    if order.kind == "canvas":
        if order.file is None:
            raise UsageError(
                "`export canvas` fills the file that Canvas exports (Grades, Export): name it with --file."
            )
        return fill_canvas(open_cells(order.file), grades, titles=titles, column=order.column, scale=order.scale)
    if order.file is None:
        return fresh_moodle(grades, by=order.by, title=order.column or chapter.title)
    return fill_moodle(open_cells(order.file), grades, titles=titles, column=order.column, scale=order.scale)


def _written(course: Course, chapter: str) -> Mapping[str, float]:
    """The questions of a chapter that a person grades, and their points."""
    return {name: question.points for name, question in load_chapter(course, chapter).written.items()}


def _released(course: Course) -> tuple[str, ...]:
    """The chapters that the gradebook knows."""
    from autograder.backends.nbgrader.book import known_chapters

    known = known_chapters(course.root)
    return tuple(name for name in course.chapters if name in known)
