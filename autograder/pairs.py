"""A chapter in which every student's visible checks have their own numbers: how such a check is asked and judged.

Each visible check is asked twice when it is graded: on the numbers that the student saw, and on those that are drawn
anew for everybody. It passes if both do. So a table of the first earns nothing, whoever's it is, and what a student
reads in the feedback can be repeated at home. Pure: knows no seed and no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autograder.compare import compare
from autograder.errors import OurError
from autograder.judge import Result, judge
from autograder.records import Check, ExerciseSheet, Returned, Sheet
from autograder.wire import encode

SOMEBODY = "somebody else"
MADE_FOR_SOMEBODY = f"The notebook was made for {SOMEBODY}; it was judged on the numbers of whoever handed it in."
BORROWED = f"{{names}}: an answer is what is right for the numbers in {SOMEBODY}'s notebook."
"""Notes for whoever grades. They cost nothing, and `classroom` counts them by the words in common."""

OWN = "{} (on the numbers in the notebook)"
"""What the check on the student's own numbers is called while it is asked. No report has it."""


def paired(anew: Sheet, own: Sheet) -> Sheet:
    """The whole sheet, with each visible check also on the numbers of `own`, if those are others."""
    seen = {(e.name, c.label): c for e in own.exercises for c in e.checks if not c.hidden}

    def checks(exercise: ExerciseSheet) -> Iterable[Check]:
        labels = {c.label for c in exercise.checks}
        for check in exercise.checks:
            mine = None if check.hidden else seen.get((exercise.name, check.label))
            if mine is not None and _asked(mine) != _asked(check):
                if OWN.format(check.label) in labels:
                    raise OurError(f"{exercise.name} has two checks that are called {OWN.format(check.label)!r}")
                yield replace(mine, label=OWN.format(check.label))
            yield check

    return replace(anew, exercises=tuple(replace(e, checks=tuple(checks(e))) for e in anew.exercises))


def settled(exercise: ExerciseSheet, results: Sequence[Result]) -> tuple[ExerciseSheet, Sequence[Result]]:
    """The exercise with every check once, and how it ended: of a pair, the student's own unless that passed."""
    pairs = list(zip(exercise.checks, results, strict=True))
    own = _own(exercise, results)
    if not own:
        return exercise, results
    anew = [pair for pair in pairs if pair[0].label not in {OWN.format(label) for label in own}]
    mine = [own.get(check.label, (check, result)) for check, result in anew]
    found = judge(*_split(exercise, mine)).findings
    return _split(exercise, [a if f.passed else m for a, m, f in zip(anew, mine, found, strict=True)])


def plain(label: str) -> str:
    """The label by which a check's author knows it."""
    return label.removesuffix(OWN.format(""))


def borrowed(exercise: ExerciseSheet, results: Sequence[Result], others: Iterable[Sheet]) -> bool:
    """Whether a check on the student's own numbers was answered, wrongly, with what is right for somebody else's.

    Only an answer that is no round number tells that.
    """
    wrong = {
        label: result.value
        for label, (check, result) in _own(exercise, results).items()
        if isinstance(result, Returned) and compare(result.value, check.expected, check.tolerance)
    }
    theirs = (c for sheet in others for e in sheet.exercises if e.name == exercise.name for c in e.checks)
    return any(
        compare(wrong[c.label], c.expected, c.tolerance) is None
        and compare(_rounded(c.expected), c.expected, c.tolerance) is not None
        for c in theirs
        if c.label in wrong
    )


def _rounded(tree: Any) -> Any:
    if isinstance(tree, list | tuple):
        return type(tree)(_rounded(part) for part in tree)
    if isinstance(tree, Mapping):
        return {name: _rounded(part) for name, part in tree.items()}
    return np.round(tree) if isinstance(tree, float | np.ndarray) else tree


def _own(exercise: ExerciseSheet, results: Sequence[Result]) -> dict[str, tuple[Check, Result]]:
    """The checks on the student's own numbers and how they ended, under the labels that their students know."""
    by_label = {c.label: (c, r) for c, r in zip(exercise.checks, results, strict=True)}
    pairs = {label: by_label[OWN.format(label)] for label in by_label if OWN.format(label) in by_label}
    return {label: (replace(check, label=label), result) for label, (check, result) in pairs.items()}


def _split(exercise: ExerciseSheet, pairs: Sequence[tuple[Check, Result]]) -> tuple[ExerciseSheet, tuple[Result, ...]]:
    return replace(exercise, checks=tuple(c for c, _ in pairs)), tuple(r for _, r in pairs)


def _asked(check: Check) -> tuple[object, ...]:
    return (check.seed, encode(check.call) if check.call is not None else None)
