"""Learning which programs a chapter's students will need, by running what its author wrote, right and wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from autograder.course import Chapter
from autograder.drawing import call_of, seed_of
from autograder.errors import AuthorError
from autograder.laws import Subject, judge_law
from autograder.notebook.pieces import pieces
from autograder.programs import Program, recording
from autograder.records import Raised
from autograder.sandbox.local import LocalStudent
from autograder.sandbox.quiet import silence_client
from autograder.sheet import PUBLIC, answer

LARGEST = 1 << 15
"""Entries of an array. Larger ones are rare, and XLA would use threads for them."""


def learn(chapter: Chapter, tell: Callable[[str], None] = lambda name: None) -> list[Program]:
    """The programs, those of references first. `tell` hears of every exercise."""
    found: dict[str, Program] = {}
    given = {name: helper.function for name, helper in chapter.helpers.items()}
    exercises = list(chapter.exercises.values())
    with recording(found):
        tell("the notebook")
        _run_notebook(chapter)
        for exercise in exercises:
            tell(exercise.name)
            calls = [call_of(exercise, question, PUBLIC) for question in exercise.questions]
            for function in [exercise.target, *(v.function for v in (*exercise.alternates, *exercise.mistakes))]:
                for call in calls:
                    answer(function, call, given, double=False)
                for law in exercise.laws:
                    student = LocalStudent({"f": function}, given, "jax")
                    subject = Subject(student, "f", exercise.signatures, lambda: 0.0)
                    judge_law(law.function, subject, seed_of(PUBLIC, exercise.name, law.label))
    return [program for program in found.values() if _small(program)]


def _run_notebook(chapter: Chapter) -> None:
    """Runs the solved notebook as a worker would: its checks, and what only follows a passed one, do nothing."""
    import matplotlib

    matplotlib.use("agg")
    student = LocalStudent({"__name__": "__main__"}, {}, "jax")
    undo = silence_client()
    try:
        with redirect_stdout(io.StringIO()):
            _run_cells(chapter, student)
    finally:
        undo()


def _run_cells(chapter: Chapter, student: LocalStudent) -> None:
    for piece in pieces(chapter):
        ran = student.run(piece.solved, seconds=0.0).outcome if piece.kind == "code" else None
        if isinstance(ran, Raised):
            text = f"the cell {piece.ident} of the solved notebook ends in {ran.type}: {ran.message}"
            raise AuthorError(text, file=str(chapter.path))


def write(programs: list[Program], path: Path) -> None:
    """One program a line, so that differences are easy to read."""
    lines = ",\n".join(json.dumps(program, separators=(",", ":")) for program in programs)
    path.write_text(f"[\n{lines}\n]\n")


def _small(program: Program) -> bool:
    def sizes(node: object) -> list[int]:
        if isinstance(node, dict):
            if "array" in node or "numpy" in node:
                shape = next(iter(node.values()))[1]
                size = 1
                for side in shape:
                    size *= side
                return [size]
            return [s for part in node.values() for s in sizes(part)]
        return [s for part in node for s in sizes(part)] if isinstance(node, list) else []

    return max(sizes(program["args"]), default=0) <= LARGEST
