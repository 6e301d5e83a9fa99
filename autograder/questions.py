"""What an exercise asks of a submission, as a key: while it stays, so do the answers that the same cells gave.

It covers what is asked (calls, laws with all that they lean on, helpers, signatures, limits), and nothing of how
answers are judged: expected values, tolerances, weights, points, mistakes and hints change no answer. Where it cannot
be told what a law leans on, the whole course stands for it.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.answers import CARRIED, OWN, Question, Way
from autograder.course import Chapter
from autograder.lineage import lineage, own_files
from autograder.pairs import plain
from autograder.records import Check, ExerciseSheet, Limits, Sheet
from autograder.wire import encode

Rest = Callable[[Any], str]
"""Digests of what authors wrote."""


def questions(chapter: Chapter, sheet: Sheet, limits: Callable[[ExerciseSheet], Limits]) -> Mapping[Way, Question]:
    """The keys of every exercise of the sheet: as it is asked at first, and as it is when an error is carried forward.

    `limits` tells what a worker may use that is asked an exercise.
    """
    own = own_files(chapter.course.root)
    files = sorted({chapter.path, *(Path(f) for f in _loaded() if own(f))})
    everything = _digest([path.read_text("utf-8") for path in files])
    settings = _digest([line for path in files for line in _settings(chapter, path)])

    def rest(value: Any) -> str:
        return lineage(value, own) or everything

    found: dict[Way, Question] = {}
    for exercise in sheet.exercises:
        limited = tuple(asdict(limits(exercise)).items())
        frame = _digest(settings, exercise.name, exercise.signatures, sheet.arrays, limited)
        checks = tuple(_digest(_asked(chapter, exercise, check, rest)) for check in exercise.checks)
        found[exercise.name, OWN] = Question(frame, checks)
        if exercise.needs:
            references = [
                (n, chapter.exercises[n].signatures, rest(chapter.exercises[n].target)) for n in exercise.needs
            ]
            helpers = [(n, rest(h)) for n, h in chapter.helpers.items()]  # any of them may be handed to a reference
            found[exercise.name, CARRIED] = Question(_digest(frame, references, helpers), checks)
    return found


def _asked(chapter: Chapter, exercise: ExerciseSheet, check: Check, rest: Rest) -> tuple[Any, ...]:
    """One check, as far as the student's code is concerned."""
    name = (check.label, check.kind, check.hidden)
    if check.call is None:
        return (*name, check.seed, rest(chapter.law(exercise.name, plain(check.label)).function))
    return (*name, check.call, [rest(chapter.helpers[n]) for n in sorted(check.call.given)])


def _digest(*parts: Any) -> str:
    head, blob = encode(parts)
    return hashlib.blake2b(head + b"\0" + blob, digest_size=16).hexdigest()


def _loaded() -> set[str]:
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return {file for file in files if file}


def _settings(chapter: Chapter, path: Path) -> Iterator[str]:
    """Top-level statements of a file of the course that may change more than a name, `os.environ[...] = ...` or
    `jax.config.update(...)`: no function shows what they do. What is said of an exercise is in its sheet."""
    sources = [c.source for c in chapter.cells if c.kind in ("author", "task")] if path == chapter.path else None
    for source in sources or [path.read_text("utf-8")]:
        for node in ast.parse(source).body:
            if not _names_only(node) and not _speaks_of(node, chapter.exercises.keys()):
                yield ast.unparse(node)


def _names_only(node: ast.stmt) -> bool:
    """Whether a statement does no more than to define or import a name, or is a docstring."""
    if isinstance(node, ast.Assign):
        parts = [part for t in node.targets for part in (t.elts if isinstance(t, ast.Tuple) else [t])]
        return all(isinstance(part, ast.Name) for part in parts)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)


def _speaks_of(node: ast.stmt, exercises: Collection[str]) -> bool:
    """Whether a statement is `exercise.probe(...)`, a function applied to exercises alone, or a loop over such."""
    if isinstance(node, ast.For):
        return not node.orelse and all(_speaks_of(inner, exercises) for inner in node.body)
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    call = node.value
    if isinstance(call.func, ast.Attribute):
        return isinstance(call.func.value, ast.Name) and call.func.value.id in exercises
    return bool(call.args) and all(isinstance(a, ast.Name) and a.id in exercises for a in call.args)
