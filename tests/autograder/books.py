"""Gradebooks, made through nbgrader's own interface."""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

Points = tuple[float | None, float | None, float | None]
"""By machine, by hand, and the late penalty; None where there is none yet."""


@contextmanager
def new_gradebook(path: Path) -> Iterator[Gradebook]:
    """An empty gradebook in a file."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # it calls alembic
        with Gradebook(f"sqlite:///{path}") as book:
            yield book
            book.db.commit()


def graded_book(path: Path, points: Mapping[str, Points], missing: Mapping[str, str]) -> Path:
    """A gradebook with the chapter `toy`: 10 points by machine, 4 by hand. `missing` are those who handed in nothing,
    with their last names."""
    with new_gradebook(path) as book:
        book.add_assignment("toy")
        book.add_notebook("toy", "toy")
        book.add_grade_cell("halfway", "toy", "toy", max_score=10, cell_type="code")
        book.add_grade_cell("why", "toy", "toy", max_score=4, cell_type="markdown")
        for student, (machine, hand, penalty) in points.items():
            book.add_student(student, first_name=student.title(), last_name="L", email=f"{student}@uni.edu")
            (notebook,) = book.add_submission("toy", student).notebooks
            notebook.late_submission_penalty = penalty
            for grade in notebook.grades:
                score = machine if grade.name == "halfway" else hand
                grade.needs_manual_grade = score is None
                if grade.name == "halfway":
                    grade.auto_score = score
                else:
                    grade.manual_score = score
        for student, last in missing.items():
            book.add_student(student, last_name=last)
    return path
