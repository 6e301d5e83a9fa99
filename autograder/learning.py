"""Learning which programs a chapter's students will need, by running what its author wrote, right and wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from autograder.course import Chapter
from autograder.drawing import call_of, seed_of
from autograder.laws import Subject, judge_law
from autograder.programs import Program, recording
from autograder.sandbox.local import LocalStudent
from autograder.sheet import PUBLIC, answer

LARGEST = 4096
"""Entries of an array. Larger ones are rare, and XLA would use threads for them."""


def learn(chapter: Chapter, tell: Callable[[str], None] = lambda name: None) -> list[Program]:
    """The programs, those of references first. `tell` hears of every exercise."""
    found: dict[str, Program] = {}
    given = {name: helper.function for name, helper in chapter.helpers.items()}
    exercises = list(chapter.exercises.values())
    with recording(found):
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


def write(programs: list[Program], path: Path) -> None:
    """One program a line, so that differences are easy to read."""
    lines = ",\n".join(json.dumps(program, sort_keys=True, separators=(",", ":")) for program in programs)
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
