"""A chapter as the cells of its two notebooks: what each cell says solved, what it says empty, and how it is graded.

Decides everything about the notebooks but writes nothing. A cell's id derives from the exercise's name, or from the
exercise before it, so that a change to one part of a chapter leaves the ids of all others alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from autograder.author import Exercise, Written
from autograder.course import Cell, Chapter
from autograder.errors import AuthorError
from autograder.notebook.grading import grading
from autograder.notebook.names import EVERYTHING, defined
from autograder.notebook.starter import BEGIN, END, starter
from autograder.rewards import check_of

TEXT_STUB = "YOUR ANSWER HERE"
"""What stands for a written answer. nbgrader's `ClearSolutions.text_stub` should be the same."""

MARKS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME", "END MARK SCHEME", "AUTOTEST")
"""Words by which nbgrader cuts cells; only we may write them."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")


@dataclass(frozen=True)
class Piece:
    """One cell of both notebooks. `grading` is what nbgrader knows of it, `metadata` what others do."""

    ident: str
    kind: Literal["markdown", "code"]
    solved: str
    empty: str
    grading: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


def pieces(chapter: Chapter) -> tuple[Piece, ...]:
    """The cells of a chapter in order. Raises AuthorError for what would not work in a student's notebook."""
    made = list[Piece]()
    known = set[str]()
    anchor, count = "start", 0
    for cell in chapter.cells:
        if cell.kind == "author":
            continue
        if cell.task is not None:
            made += _task(chapter, cell, frozenset(known))
            known.add(cell.task.name)
            anchor, count = cell.task.name, 0
            continue
        if cell.kind == "code":
            known |= _defined(chapter, cell)
        _refuse_marks(cell.source, str(chapter.path), cell.line)
        count += 1
        made.append(Piece(f"{anchor}-{count}", "code" if cell.kind == "code" else "markdown", cell.source, cell.source))
    idents = [piece.ident for piece in made]
    for cell in chapter.cells:  # the author chose the names of tasks; all other ids are ours
        if cell.task is not None and idents.count(cell.task.name) > 1:
            text = f"the name {cell.task.name!r} is also the id of another cell; choose another name."
            raise AuthorError(text, file=str(chapter.path), line=cell.line)
    return tuple(made)


def _task(chapter: Chapter, cell: Cell, known: frozenset[str]) -> Iterator[Piece]:
    assert cell.task is not None
    if not NAME.fullmatch(cell.task.name):
        text = f"the name {cell.task.name!r} should be letters, digits, '_' and '-', at most 50 of them."
        raise AuthorError(text, file=str(chapter.path), line=cell.line)
    if isinstance(cell.task, Written):
        _refuse_marks(cell.task.prompt + cell.task.rubric, str(chapter.path), cell.line)
        return _written(cell.task)
    return _exercise(chapter, cell, cell.task, known)


def _exercise(chapter: Chapter, cell: Cell, exercise: Exercise, known: frozenset[str]) -> Iterator[Piece]:
    begin = starter(exercise.target)
    own = (line for line in begin.solved.split("\n") if line.strip() not in (BEGIN, END))
    _refuse_marks("\n".join(own), begin.file, begin.node.lineno)
    if "check" not in known and EVERYTHING not in known:
        text = (
            f"{exercise.name} is followed by a check cell, but no cell before it defines `check`: "
            "begin with a code cell that says `from autograder import check`."
        )
        raise AuthorError(text, file=str(chapter.path), line=cell.line)
    for name, line in begin.needs.items():
        if name not in known and EVERYTHING not in known:
            text = (
                f"{exercise.name} uses {name}, but no cell before it in the notebook defines that name. "
                f"Import or define it in a code cell of {chapter.path.name}, or move it into the solution's body."
            )
            raise AuthorError(text, file=begin.file, line=line)
    solution = grading(exercise.name, solution=True)
    yield Piece(exercise.name, "code", begin.solved, begin.empty, solution)
    check = check_of(exercise.name)
    known_as = grading(f"check-{exercise.name}", grade=True, locked=True, points=exercise.points)
    yield Piece(f"check-{exercise.name}", "code", check, check, known_as, ("check",))


def _written(question: Written) -> Iterator[Piece]:
    ident = f"prompt-{question.name}"
    yield Piece(ident, "markdown", question.prompt, question.prompt, grading(ident, locked=True))
    rubric = f"=== BEGIN MARK SCHEME ===\n{question.rubric}\n=== END MARK SCHEME ==="
    known_as = grading(question.name, grade=True, solution=True, points=question.points)
    yield Piece(question.name, "markdown", rubric, TEXT_STUB, known_as)


def _defined(chapter: Chapter, cell: Cell) -> frozenset[str]:
    try:
        return defined(cell.source)
    except SyntaxError as error:
        text = f"this code cell is neither Python nor IPython: {error.msg}."
        raise AuthorError(text, file=str(chapter.path), line=cell.line + (error.lineno or 0)) from None


def _refuse_marks(text: str, file: str, line: int) -> None:
    for mark in MARKS:
        if mark in text:
            raise AuthorError(
                f"a cell says {mark}, by which nbgrader cuts cells; put it in other words.", file=file, line=line
            )
