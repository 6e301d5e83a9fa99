"""What an exercise asks of a submission, as a key: while it stays, so do the answers that the same cells gave.

It covers what is asked (calls, laws with all that they lean on, helpers, signatures, limits), and nothing of how
answers are judged: expected values, tolerances, weights, points, mistakes and hints change no answer. Where it cannot
be told what a law leans on, the whole course stands for it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.answers import CARRIED, OWN, Way
from autograder.course import Chapter
from autograder.lineage import lineage, own_files
from autograder.records import Call, Check, ExerciseSheet, Given, Limits, Sheet
from autograder.wire import encode

Rest = Callable[[Any], str]
"""Digests of what authors wrote."""


def questions(chapter: Chapter, sheet: Sheet, limits: Callable[[ExerciseSheet], Limits]) -> Mapping[Way, str]:
    """The key of every exercise of the sheet: as it is asked at first, and as it is when an error is carried forward.

    `limits` tells what a worker may use that is asked an exercise.
    """
    own = own_files(chapter.course.root)
    everything = _everything(chapter, own)

    def rest(value: Any) -> str:
        return lineage(value, own) or everything

    found: dict[Way, str] = {}
    for exercise in sheet.exercises:
        own_key = _digest(
            exercise.name,
            exercise.signatures,
            sheet.arrays,
            tuple(asdict(limits(exercise)).items()),
            [_asked(chapter, exercise, check, rest) for check in exercise.checks],
        )
        found[exercise.name, OWN] = own_key
        if exercise.needs:
            references = [
                (n, chapter.exercises[n].signatures, rest(chapter.exercises[n].target)) for n in exercise.needs
            ]
            helpers = [(n, rest(h)) for n, h in chapter.helpers.items()]  # any of them may be handed to a reference
            found[exercise.name, CARRIED] = _digest(own_key, references, helpers)
    return found


def _asked(chapter: Chapter, exercise: ExerciseSheet, check: Check, rest: Rest) -> tuple[Any, ...]:
    """One check, as far as the student's code is concerned."""
    name = (check.label, check.kind, check.hidden)
    if check.call is None:
        return (*name, check.seed, rest(chapter.law(exercise.name, check.label).function))
    return (*name, check.call, [rest(chapter.helpers[n]) for n in sorted(_given(check.call))])


def _given(call: Call) -> set[str]:
    """The helpers that a call hands to the student's code."""
    names: set[str] = set()

    def walk(tree: Any) -> None:
        if isinstance(tree, Given):
            names.add(tree.name)
        elif isinstance(tree, list | tuple):
            for part in tree:
                walk(part)
        elif isinstance(tree, Mapping):
            walk(list(tree.values()))

    walk((call.args, call.then))
    return names


def _digest(*parts: Any) -> str:
    head, blob = encode(parts)
    return hashlib.blake2b(head + b"\0" + blob, digest_size=16).hexdigest()


def _everything(chapter: Chapter, own: Callable[[str], bool]) -> str:
    """Changes with every file of the course that is loaded."""
    files = {str(getattr(m, "__file__", None) or "") for m in list(sys.modules.values())}
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted({chapter.path, *(Path(f) for f in files if f and own(f))}):
        digest.update(path.read_bytes())
    return digest.hexdigest()
