"""Kept reports in, class pages out: which chapters, which files, and the hints that the entries do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.classroom.example import anonymous
from autograder.classroom.page import to_html
from autograder.classroom.reading import read_reports
from autograder.classroom.summary import ClassReport, summarise
from autograder.course import Course, entry_of
from autograder.errors import OurError, UsageError
from autograder.notebook.read import Unreadable, read
from autograder.records import Graded, Sheet
from autograder.secret import write_private
from autograder.wire import Malformed, from_text

READ = 20
"""In how many notebooks an example of one mistake is looked for."""


def class_reports(
    course: Course, chapters: Sequence[str], *, sources: Sequence[Path] = (), names: bool = False
) -> tuple[ClassReport, ...]:
    """The figures of the chapters asked for, or of all that have reports, from `sources` or else `reports/`."""
    for chapter in chapters:
        entry_of(course, chapter)
    folders = [course.root / "reports" / name for name in chapters or course.chapters]
    kept = read_reports(sources or [folder for folder in folders if folder.is_dir()])
    wanted = list(chapters) or [name for name in course.chapters if name in kept] or list(kept)
    missing = [name for name in wanted if name not in kept]
    if missing or not wanted:
        raise UsageError(_no_reports(course, missing, sources))
    return tuple(
        summarise(
            kept[name], names=names, hints=_hints(course.root, name), codes=_codes(course.root, kept[name].submissions)
        )
        for name in wanted
    )


def write_page(course: Course, report: ClassReport, folder: Path) -> Path:
    """Writes the page of one chapter into `folder`, where only its owner may read it."""
    entry = course.chapters.get(report.chapter)
    html = to_html(report, course=course.title, chapter=entry.title if entry else report.chapter)
    path = folder / f"{report.chapter}.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_private(path, html)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Choose another folder with --to.") from None
    return path


def _no_reports(course: Course, missing: Sequence[str], sources: Sequence[Path]) -> str:
    named = missing[0] if missing else next(iter(course.chapters), "CHAPTER")
    where = "in " + ", ".join(map(str, sources)) if sources else "yet"
    what = f"reports of {', '.join(missing)}" if missing else "reports"
    return (
        f"There are no {what} {where}. Grade first: `nbgrader autograde {named}`, or "
        f"`autograder grade {named} submitted --json reports/{named}/class.json`."
    )


def _codes(root: Path, submissions: Sequence[Graded]) -> Mapping[tuple[str, str], str]:
    """An anonymous example of every mistake, from the notebooks as they lie now; none where they are gone."""
    made: dict[tuple[str, str], list[Graded]] = {}
    for one in sorted(submissions, key=lambda g: g.student):
        for verdict in one.verdicts:
            if verdict.diagnosis:
                made.setdefault((verdict.name, verdict.diagnosis), []).append(one)
    wanted = {g.student: g for those in made.values() for g in those[:READ]}
    cells = {student: _cells(root, g) for student, g in wanted.items()}
    return {
        (exercise, mistake): anonymous({g.student: cells[g.student] for g in those[:READ]}, exercise)
        for (exercise, mistake), those in made.items()
    }


def _cells(root: Path, graded: Graded) -> Sequence[str]:
    try:
        return tuple(read(root / graded.path, graded.student).cells.values())
    except (Unreadable, OurError, ValueError):
        return ()


def _hints(root: Path, chapter: str) -> Mapping[tuple[str, str], str]:
    """The hints of all mistakes, from the visible sheet that was released; none where it is not there."""
    try:
        sheet = from_text((root / "release" / chapter / f"{chapter}.json").read_text("utf-8"))
    except (OSError, Malformed, ValueError):
        return {}
    if not isinstance(sheet, Sheet):
        return {}
    return {(exercise.name, mistake): text for exercise in sheet.exercises for mistake, text in exercise.hints.items()}
