"""The class of `kinds/`: a course of two exercises in `course/`, and submissions whose answers are estimators and layers.

Their files are as those of `graded/`.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.course import Chapter, load_chapter, load_course
from autograder.grade import grade
from autograder.records import Graded, Sheet, Submission
from autograder.sandbox.pool import WarmSandbox
from graded_class import CLASSMATES, canaries, cells, expected_of, wrong_with

HERE = Path(__file__).parent
TRICKS = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "kinds").glob("*.py"))}
EVERYONE = sorted([*TRICKS, *CLASSMATES])


def chapter_of_kinds() -> Chapter:
    return load_chapter(load_course(HERE / "course"), "kinds")


def sheet_of_kinds(chapter: Chapter) -> Sheet:
    return chapter.sheet(b"a secret for the kinds")


def sources(student: str) -> list[str]:
    """The sources of a submission's cells: honest ones, then the trick's."""
    text = TRICKS.get(student, TRICKS["honest"])
    honest = re.search(r"^# honest: (.*)$", text, re.MULTILINE)
    wanted = honest[1].split() if honest else []
    return [s for title, s in cells(TRICKS["honest"]) if title in wanted] + [s for _, s in cells(text)]


def graded_by(sandbox: WarmSandbox, chapter: Chapter, sheet: Sheet) -> dict[str, Graded]:
    """Everyone, two at a time in one sandbox, after the first, for whom the libraries are loaded."""

    def one(student: str) -> Graded:
        return grade(chapter, sheet, Submission(student, "", dict(enumerate(sources(student)))), sandbox)

    first, *others = EVERYONE
    with ThreadPoolExecutor(2) as pool:
        return {g.student: g for g in (one(first), *pool.map(one, others))}


def wrong_with_kinds(graded: Graded, sheet: Sheet) -> list[str]:
    """Whatever should not be so of a submission: its points, or what its student is told."""
    return wrong_with(graded, expected_of(graded.student, TRICKS), canaries(sheet))


def report_of(sandbox: WarmSandbox) -> dict[str, list[str]]:
    """What is wrong with each of the class, graded by this sandbox."""
    chapter = chapter_of_kinds()
    sheet = sheet_of_kinds(chapter)
    return {s: wrong_with_kinds(one, sheet) for s, one in graded_by(sandbox, chapter, sheet).items()}
