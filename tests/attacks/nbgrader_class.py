"""The class of `graded/`, graded on both paths: by `grade` then by nbgrader in workers that inherit traced programs.

What nbgrader leaves behind is read here; what must be so of it, the tests say.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.backends.nbgrader import configure
from autograder.batch import grade_all
from autograder.course import load_chapter, load_course
from autograder.records import Graded, Sheet
from autograder.sandbox.pool import WarmSandbox
from autograder.secret import hidden_sheet
from autograder.session import Session
from graded_class import EVERYONE, course_in, hand_in, state_of, told
from seam import descendants, temporary
from tests.shared_sandbox import OPEN, share



@dataclass(frozen=True)
class Class:
    """One class, graded twice, and what else there was before and after it."""

    root: Path
    sheet: Sheet
    directly: dict[str, Graded]
    processes: tuple[set[int], set[int]]
    folders: tuple[set[str], set[str]]


def graded_twice(folder: Path, cold: WarmSandbox, inheriting: WarmSandbox) -> Class:
    """Everyone, graded by `grade`, then as one batch of nbgrader's."""
    root = course_in(folder)
    nbgrader(root, GenerateAssignment, force=True)
    found = [(student, hand_in(root, student)) for student in EVERYONE]
    cold.start()
    processes, folders = descendants(), temporary()
    chapter = load_chapter(load_course(root), "toy")
    sheet = hidden_sheet(chapter, state_of(root))
    directly = grade_all(Session(chapter, sheet, cold), found)
    share(inheriting)
    nbgrader(root, Autograde)
    nbgrader(root, GenerateFeedback)
    after = descendants(), temporary()
    return Class(root, sheet, {g.student: g for g in directly}, (processes, after[0]), (folders, after[1]))


def nbgrader(root: Path, converter: Any, **options: Any) -> None:
    """Runs a converter as nbgrader's command does; what nbgrader would call a failure is raised."""
    c = Config()
    configure(c, root)
    c.Reader.open_sandbox = OPEN
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_STATE", str(state_of(root)))
        converter(coursedir=CourseDirectory(config=c, assignment_id="toy"), config=c, **options).start()


def record(graded: Class, student: str) -> Any:
    (entry,) = json.loads((graded.root / "reports" / "toy" / f"{student}.json").read_text())["submissions"]
    return entry


def page(graded: Class, student: str) -> str:
    return (graded.root / "feedback" / student / "toy" / "toy.html").read_text("utf-8")


def autograded(graded: Class, student: str) -> str:
    return (graded.root / "autograded" / student / "toy" / "toy.ipynb").read_text("utf-8")


def book(root: Path, student: str) -> tuple[dict[str, float | None], list[str]]:
    """The automatic scores of the checks, and all comments."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("toy", "toy", student)
        found = {g.name.removeprefix("check-"): g.auto_score for g in notebook.grades if g.name.startswith("check-")}
        assert [g.manual_score for g in notebook.grades] == [None] * len(notebook.grades)
        return found, [c.comment or "" for c in notebook.comments]


def student_s(graded: Class, student: str) -> dict[str, str]:
    """Everything that a student gets to see, by where."""
    return {
        **told(graded.directly[student]),
        "feedback": page(graded, student),
        "autograded": autograded(graded, student),
        "comments in the gradebook": "\n".join(book(graded.root, student)[1]),
    }
