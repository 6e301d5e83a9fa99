"""Figures of a class -> the sentences worth acting on, the most pressing first. Pure. Nobody is named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from autograder.classroom.summary import CheckFigures, ClassReport, ExerciseFigures

ENOUGH = 5
"""How many must have tried a check before it is said to tell nothing."""

MANY = 0.2
"""The share of a class from which on a blank exercise is worth a sentence."""

SHOWN = 3
"""How many labels a sentence lists."""


def facts(report: ClassReport) -> tuple[str, ...]:
    """What asks for something to be done, as plain sentences; exercises and mistakes as their authors wrote them."""
    return (
        *_not_graded(report),
        *_borrowed(report),
        *_misconceptions(report),
        *(fact for e in report.exercises for fact in _exercise(e)),
        *_doubtful(report),
    )


def silent(report: ClassReport) -> tuple[str, ...]:
    """Which hidden checks tell nothing about this class, because everyone passes them, one sentence an exercise."""
    return tuple(fact for e in report.exercises for fact in _easy(e, report.checks))


def chance(report: ClassReport) -> float:
    """A discrimination below this may be chance: two standard errors of a correlation between unrelated numbers."""
    return min(1.0, 2 / math.sqrt(max(1, report.graded)))


def _not_graded(report: ClassReport) -> Iterator[str]:
    if report.mixed:
        yield "The entries come from different versions of the chapter. Grade everyone again before you compare them."
    if n := report.failed.count:
        yield f"{_were(n)} not graded, through no fault of {_whose(n)}. Grade again; until then there is no score."
    if n := report.unreadable.count:
        yield f"{_were(n)} not readable, so there is no score. Ask for the file again."
    if n := report.used_up.count:
        yield (
            f"{_were(n)} stopped for lack of time before all checks were judged. If the machine was busy, grade "
            f"{'it' if n == 1 else 'them'} again."
        )


def _borrowed(report: ClassReport) -> Iterator[str]:
    if n := report.borrowed.count:
        yield (
            f"{n} submission{' points' if n == 1 else 's point'} to the numbers of somebody else's notebook. It cost "
            "nothing; its note says where. Files may have been swapped: look before you ask."
        )


def _misconceptions(report: ClassReport) -> Iterator[str]:
    for m in report.misconceptions:
        if m.who.count > 1:
            yield f"{m.who.count} of {report.graded} made the same mistake in {m.exercise}: {m.mistake}."


def _exercise(e: ExerciseFigures) -> Iterator[str]:
    if e.blank.count > 1 and e.blank.count >= MANY * e.graded:
        yield f"{e.name}: {e.blank.count} of {e.graded} did not begin it."
    if e.late.count > 1:
        yield f"{e.name}: {e.late.count} of {e.graded} ran out of time."
    if e.failing.count > 1:
        yield f"{e.name}: the code of {e.failing.count} of {e.graded} raises an error."
    if e.unexplained.count > 1 and 2 * e.unexplained.count > e.wrong:
        yield (
            f"{e.name}: {e.unexplained.count} of {e.wrong} wrong answers match no known mistake. Read one, and add a "
            "mistake to the chapter."
        )


def _doubtful(report: ClassReport) -> Iterator[str]:
    """Checks that may be wrong themselves."""
    for c in report.checks:
        if c.passed == 0 and c.tried >= ENOUGH:
            yield f"{c.exercise}: nobody passes '{c.label}'. Look at the check, the prompt and what was taught."
        if c.discrimination is not None and c.discrimination < -chance(report):
            yield (
                f"{c.exercise}: who fails '{c.label}' does better elsewhere than who passes it "
                f"({c.discrimination:.2f}). Is the check right?"
            )


def _easy(e: ExerciseFigures, checks: Sequence[CheckFigures]) -> Iterator[str]:
    """Visible checks are there to be passed before handing in, so only the hidden ones are named."""
    hidden = [c for c in checks if c.exercise == e.name and c.hidden]
    if max((c.tried for c in hidden), default=0) < ENOUGH:
        return
    easy = [c.label for c in hidden if c.passed == c.tried]
    if easy and len(easy) == len(hidden):
        yield f"{e.name}: nobody fails any hidden check."
    elif easy:
        yield f"{e.name}: nobody fails {_listed(easy)}."


def _listed(labels: list[str]) -> str:
    shown = [f"'{label.rstrip('.')}'" for label in labels[:SHOWN]]
    rest = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _were(n: int) -> str:
    return "1 submission was" if n == 1 else f"{n} submissions were"


def _whose(n: int) -> str:
    return "its student" if n == 1 else "their students"
