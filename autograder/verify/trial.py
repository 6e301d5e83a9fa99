"""One function, judged on a sheet as a student's would be: called through the seam, in single precision.

It runs in this very process, so it is code of the course's author, never a submission's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autograder.author import Exercise
from autograder.judge import Result, judge
from autograder.laws import Subject, judge_law
from autograder.records import Check, ExerciseSheet, Returned, Signature, Spec, Tolerance, Verdict
from autograder.sandbox.local import LocalStudent
from autograder.sheet import PUBLIC

Helpers = Mapping[str, Callable[..., Any]]


def secrets_of(seeds: int) -> tuple[bytes, ...]:
    """The secrets to draw sheets from; the first is that of the sheet which students get."""
    return (PUBLIC, *(f"verify {i}".encode() for i in range(1, seeds)))


def ask(function: Callable[..., Any], exercise: Exercise, sheet: ExerciseSheet, check: Check, given: Helpers) -> Result:
    """What one check learns of `function`."""
    import jax

    with jax.enable_x64(False):
        student = LocalStudent({exercise.name: function}, given, "jax")
        if check.call is not None:
            return student.call(exercise.name, check.call, seconds=0)
        law = next(law for law in exercise.laws if law.label == check.label)
        subject = Subject(student, exercise.name, sheet.signatures, lambda: 0.0)
        return judge_law(law.function, subject, check.seed)


def ask_all(function: Callable[..., Any], exercise: Exercise, sheet: ExerciseSheet, given: Helpers) -> list[Result]:
    """What every check learns of `function`."""
    return [ask(function, exercise, sheet, check, given) for check in sheet.checks]


def passes(sheet: ExerciseSheet, check: Check, result: Result) -> bool:
    """Whether this answer passes this one check."""
    return judge(replace(sheet, checks=(check,)), [result]).findings[0].passed


def ratio(answer: Any, expected: Any, tolerance: Tolerance) -> float:
    """The largest error as a share of what the tolerance allows: above 1 the answer is wrong."""
    if isinstance(expected, tuple | list | dict):
        if isinstance(expected, dict):
            pairs = [(answer.get(k), e) for k, e in expected.items()] if isinstance(answer, dict) else [(None, 0.0)]
        else:
            parts = list(answer) if isinstance(answer, tuple | list | np.ndarray) else []
            pairs = list(zip(parts, expected, strict=True)) if len(parts) == len(expected) else [(None, 0.0)]
        return max((ratio(a, e, tolerance) for a, e in pairs), default=0.0)
    if expected is None or isinstance(expected, str):
        return 0.0 if answer == expected else np.inf
    try:
        got, want = np.asarray(answer), np.asarray(expected)
    except ValueError:
        return np.inf
    if got.shape != want.shape or got.dtype.kind not in "biufc":
        return np.inf
    same = (got == want) | (np.isnan(got) & np.isnan(want) if got.dtype.kind in "fc" else False)
    if got.dtype.kind not in "fc" and want.dtype.kind not in "fc":
        return 0.0 if same.all() else np.inf
    with np.errstate(all="ignore"):
        share = np.abs(got - want) / (tolerance.atol + tolerance.rtol * np.abs(want))
    share = np.where(same, 0.0, np.where(np.isnan(share), np.inf, share))
    return float(share.max(initial=0.0))


def free(exercise: Exercise, sheet: ExerciseSheet, given: Helpers) -> dict[str, Verdict]:
    """The verdicts on answers that cost no thought."""

    def always(fill: float) -> Verdict:
        fake = constant(exercise.signatures, fill)
        return judge(
            sheet,
            [
                Returned(filled(c.expected, fill)) if c.kind == "value" else ask(fake, exercise, sheet, c, given)
                for c in sheet.checks
            ],
        )

    found = {
        "returns None": judge(sheet, ask_all(lambda *_, **__: None, exercise, sheet, given)),
        "answers zeros (or False)": always(0.0),
        "answers ones (or True)": always(1.0),
        "answers NaN": always(np.nan),
    }
    if len(sheet.signatures) == 1:
        echo = ask_all(lambda *args, **_: args[0], exercise, sheet, given)
        found["returns its first argument"] = judge(sheet, echo)
    return found


def filled(expected: Any, fill: float) -> Any:
    """Something of the same form as `expected` that holds `fill` everywhere."""
    match expected:
        case tuple() | list():
            return type(expected)(filled(e, fill) for e in expected)
        case dict():
            return {k: filled(v, fill) for k, v in expected.items()}
        case None | str():
            return None
    array = np.asarray(expected)
    if array.dtype.kind in "biu":
        fill = 0.0 if np.isnan(fill) else fill
    return np.full(array.shape, fill, array.dtype)


def constant(signatures: Mapping[str, Signature], fill: float) -> Callable[..., Any]:
    """A function or class of these signatures whose answers have the right shape and hold `fill`."""

    def answering(signature: Signature) -> Callable[..., Any]:
        def function(*args: Any) -> Any:
            sizes: dict[str, int] = {}
            for parameter, arg in zip(signature.parameters, args, strict=False):
                if parameter.spec.axes and len(np.shape(arg)) == len(parameter.spec.axes):
                    sizes.update(zip(parameter.spec.axes, np.shape(arg), strict=True))
            return shaped(signature.returns, sizes, fill)

        return function

    if len(signatures) == 1:
        return answering(signatures[""])
    methods = {name: _method(answering(s)) for name, s in signatures.items() if name}
    return type("Constant", (), {"__init__": lambda self, *_: None, **methods})


def shaped(spec: Spec, sizes: Mapping[str, int], fill: float) -> Any:
    if spec.kind == "tuple":
        return tuple(shaped(s, sizes, fill) for s in spec.items)
    if spec.axes is None and spec.kind not in ("float", "int", "bool"):
        return None
    kind = {"int": np.int32, "bool": np.bool_}.get(spec.kind, np.float32)
    sides = [int(a) if a.isdigit() else sizes.get(a, 1) for a in spec.axes or ()]
    return filled(np.zeros(sides, kind), fill)


def starter(*_: Any, **__: Any) -> Any:
    """What a student's function does before anything was written."""
    raise NotImplementedError


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args: function(*args)


def counted(values: Sequence[Any]) -> dict[Any, int]:
    """How often each value occurs, most frequent first."""
    tally: dict[Any, int] = {}
    for value in values:
        tally[value] = tally.get(value, 0) + 1
    return dict(sorted(tally.items(), key=lambda item: -item[1]))
