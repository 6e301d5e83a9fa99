"""Whether the reference agrees with what else is known: its oracles, numbers found by hand, and finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from autograder.arrays import as_array
from autograder.author import Exercise
from autograder.compare import compare
from autograder.records import Call, Check, ExerciseSheet, Outcome, Raised, Returned, Transform
from autograder.sheet import answer, widened
from autograder.verify.trial import Helpers

STEP = 1e-6
"""The step of the central differences, relative to numbers larger than 1."""


def evidence(exercise: Exercise) -> str:
    """What the reference is checked against, in a few words; empty where there is nothing."""
    plain = [q for q in exercise.questions if q.transform is None or q.transform.name != "grad"]
    words = [o.name for o in exercise.oracles]
    if any(q.expect is not None for q in exercise.questions):
        words.append("by hand")
    if not exercise.questions:
        words.append("laws")
    if not plain and exercise.questions:
        words.append("differences")
    return ", ".join(words)


def disagreements(
    exercise: Exercise, sheet: ExerciseSheet, given: Helpers, *, differences: bool
) -> Iterator[tuple[Check, str, Callable[..., Any] | None]]:
    """Checks on which the reference differs from what it should be, with the sentence that says so and the oracle.

    `differences=False` leaves finite differences out, which are slow.
    """
    for question, check in zip(exercise.questions, sheet.checks, strict=False):
        assert check.call is not None
        if question.expect is not None:
            wrong = compare(check.expected, plain(question.expect), check.tolerance, name="the reference's answer")
            if wrong:
                yield check, f"On {check.label!r}, {wrong.message} That number was given by `expect=`.", None
        transform = check.call.transform
        if transform and transform.name == "grad":
            if differences:
                slope = difference_quotients(exercise.target, check.call, given)
                wrong = compare(check.expected, slope, check.tolerance, name="the reference's gradient")
                if wrong:
                    text = f"On {check.label!r}, {wrong.message} Finite differences of the reference say so."
                    yield check, text, None
            continue
        for oracle in exercise.oracles:
            said = consult(oracle.function, check.call, given)
            if not isinstance(said, Returned):
                why = f"{said.type}: {said.message}" if isinstance(said, Raised) else str(said)
                text = f"The oracle {oracle.name} fails on {check.label!r} ({why}), but should answer."
                yield check, text, oracle.function
                continue
            wrong = compare(check.expected, said.value, check.tolerance, name="the reference's answer")
            if wrong:
                text = f"On {check.label!r}, {wrong.message} The oracle {oracle.name} says so: one of the two is wrong."
                yield check, text, oracle.function


def consult(function: Callable[..., Any], call: Call, given: Helpers) -> Outcome:
    """What an oracle answers: it need not be made for `jit` and `vmap`, so it is called plainly, and row by row."""
    transform = call.transform
    if transform is None or transform.name == "jit":
        return answer(function, replace(call, transform=None), given)
    outcomes = [answer(function, single, given) for single in unstacked(call, transform)]
    values = []
    for outcome in outcomes:
        if not isinstance(outcome, Returned):
            return outcome
        values.append(outcome.value)
    return Returned(stacked(values))


def unstacked(call: Call, transform: Transform) -> list[Call]:
    """One call for each row of the mapped arguments."""
    args = call.args or ()
    sizes = [np.shape(a)[axis] for a, axis in zip(args, transform.axes, strict=True) if axis is not None]
    return [
        Call(
            tuple(a if axis is None else np.take(a, i, axis) for a, axis in zip(args, transform.axes, strict=True)),
            call.then,
        )
        for i in range(sizes[0])
    ]


def stacked(values: list[Any]) -> Any:
    """The answers of single calls, as the mapped call gives them."""
    if isinstance(values[0], tuple):
        return tuple(stacked([v[i] for v in values]) for i in range(len(values[0])))
    return np.stack([np.asarray(v) for v in values])


def difference_quotients(function: Callable[..., Any], call: Call, given: Helpers) -> np.ndarray:
    """The gradient by central differences in double precision; NaN where the function gives no number."""
    assert call.transform is not None
    number = call.transform.axes[0] or 0
    args = widened(call).args or ()
    x = np.asarray(args[number], np.float64)
    slope = np.full(x.shape, np.nan)
    for place in np.ndindex(*x.shape):
        step = STEP * max(1.0, abs(float(x[place])))
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            value = answer(function, Call((*args[:number], moved, *args[number + 1 :])), given)
            ends.append(float(value.value) if isinstance(value, Returned) and np.ndim(value.value) == 0 else np.nan)
        slope[place] = (ends[0] - ends[1]) / (2 * step)
    return slope


def plain(value: Any) -> Any:
    """A number found by hand, of whatever array type, as the data that answers are."""
    if isinstance(value, tuple | list):
        return type(value)(plain(v) for v in value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    array = None if isinstance(value, bool | int | float | complex | str) else as_array(value)
    return value if array is None else array
