"""Answer, expected, tolerance -> what is wrong with the answer, or nothing.

Reports the first aspect that differs: structure, shape, dtype, NaN, infinity, values. Decides nothing about points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.records import Handle, Spec, Tolerance

_WORDS = {"b": "True or False", "i": "integer", "u": "integer", "f": "float", "c": "complex"}


@dataclass(frozen=True)
class Mismatch:
    """The first thing that differs. `kind` is one of a finding's kinds."""

    kind: str
    message: str


def compare(
    answer: Any,
    expected: Any,
    tolerance: Tolerance,
    *,
    returns: Spec = Spec(),
    name: str = "your answer",
) -> Mismatch | None:
    """What is wrong with `answer`, in one sentence for the student, or None."""
    if isinstance(answer, Handle):
        return Mismatch("dtype", f"{name} is a {_brief(answer.type)}, but should be {_noun(expected)}.")
    if answer is None and expected is not None:
        return Mismatch("dtype", f"{name} is None, but should be {_noun(expected)}. Is there a `return`?")
    if isinstance(expected, tuple | list):
        return _compare_parts(answer, expected, tolerance, returns, name)
    if isinstance(expected, dict):
        return _compare_dicts(answer, expected, tolerance, name)
    if isinstance(expected, str) or expected is None:
        if type(answer) is type(expected) and answer == expected:
            return None
        return Mismatch("value", f"{name} is {_brief(answer)}, but should be {expected!r}.")
    if isinstance(answer, tuple | list) and not isinstance(expected, tuple | list):
        stacked = _stack(answer)
        if stacked is None:
            return Mismatch("dtype", f"{name} is a {type(answer).__name__}, but should be {_noun(expected)}.")
        answer = stacked
    if not isinstance(answer, bool | int | float | np.ndarray | np.generic):
        return Mismatch("dtype", f"{name} is a {type(answer).__name__}, but should be {_noun(expected)}.")
    return compare_arrays(np.asarray(answer), np.asarray(expected), tolerance, axes=returns.axes, name=name)


def compare_arrays(
    answer: np.ndarray, expected: np.ndarray, tolerance: Tolerance, *, axes: tuple[str, ...] | None, name: str
) -> Mismatch | None:
    """The same for two arrays. Nothing is broadcast: the shapes must be equal."""
    wrong = shape_mismatch(answer.shape, expected.shape, axes, name) or dtype_mismatch(answer, expected, name)
    if wrong:
        return wrong
    if close_entries(answer, expected, tolerance).all():
        return None
    for test, word in ((np.isnan, "NaN"), (np.isinf, "infinite")):
        if answer.dtype.kind in "fc":
            bad, right = test(answer), test(expected) if expected.dtype.kind in "fc" else np.zeros(expected.shape, bool)
            if (bad != right).any():
                return Mismatch("value", f"{name} {_where(bad != right, bad, word)}.")
    return Mismatch("value", _values(answer, expected, tolerance, name))


def close_entries(answer: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """Where |answer - expected| <= atol + rtol |expected|; equal infinities and NaNs count as close.

    That is `np.isclose` (a test says so), in half of its time: an answer is compared with that of every known mistake.
    """
    if answer.dtype.kind not in "fc" and expected.dtype.kind not in "fc":
        return np.asarray(answer == expected)
    with np.errstate(all="ignore"):  # the answer may be as large as it likes
        near = np.abs(answer - expected) <= tolerance.atol + tolerance.rtol * np.abs(expected)
        alike = (answer == expected) | (np.isnan(answer) & np.isnan(expected))
        return np.asarray((near & np.isfinite(expected)) | alike)


def equals(answer: Any, expected: Any, tolerance: Tolerance) -> bool:
    """Whether the two are the same answer: what recognises a mistake."""
    if isinstance(answer, np.ndarray) and isinstance(expected, np.ndarray):  # as nearly all: no words are needed
        same = answer.shape == expected.shape and dtype_mismatch(answer, expected) is None
        return same and bool(close_entries(answer, expected, tolerance).all())
    return compare(answer, expected, tolerance) is None


def shape_mismatch(
    shape: tuple[int, ...], expected: tuple[int, ...], axes: tuple[str, ...] | None, name: str = "your answer"
) -> Mismatch | None:
    """The message for a wrong shape, naming the axes where they have names."""
    if shape == expected:
        return None
    text = f"{name} has shape {shape}, but should be {expected}"
    if not expected:
        text = f"{name} has shape {shape}, but should be a single number"
    elif axes and len(axes) == len(expected):
        text += f": one axis each for {', '.join(axes)}" if len(axes) > 1 else f": one axis, {axes[0]}"
    text += "."
    if len(shape) > 1 and shape == expected[::-1]:
        text += " The axes are there, in the opposite order."
    elif shape == (*expected, 1):
        text += " There is an axis of length 1 too many at the end."
    elif int(np.prod(shape)) == 1 and int(np.prod(expected)) > 1:
        text += " It is a single number: did a sum or mean run over too many axes?"
    return Mismatch("shape", text)


def dtype_mismatch(answer: np.ndarray, expected: np.ndarray, name: str = "your answer") -> Mismatch | None:
    """The message for a wrong kind of number. Integers pass for floats, and exact floats for integers."""
    got, want = answer.dtype.kind, expected.dtype.kind
    fine = got == want or (got in "iu" and want in "iufc") or (got == "f" and want == "c")
    if got == "f" and want in "iu":
        fine = bool((answer == np.floor(answer)).all())
    if fine:
        return None
    return Mismatch("dtype", f"{name} is {_article(got)}, but should be {_article(want)}.")


def _compare_parts(
    answer: Any, expected: tuple[Any, ...] | list[Any], tolerance: Tolerance, returns: Spec, name: str
) -> Mismatch | None:
    if isinstance(answer, np.ndarray) and answer.ndim:
        answer = list(answer)
    if not isinstance(answer, tuple | list):
        return Mismatch("dtype", f"{name} is {_noun(answer)}, but should be {len(expected)} values.")
    if len(answer) != len(expected):
        return Mismatch("shape", f"{name} has {len(answer)} parts, but should have {len(expected)}.")
    specs = returns.items if len(returns.items) == len(expected) else (Spec(),) * len(expected)
    for i, (a, e, spec) in enumerate(zip(answer, expected, specs, strict=True)):
        wrong = compare(a, e, tolerance, returns=spec, name=f"part {i + 1} of {name}")
        if wrong:
            return wrong
    return None


def _compare_dicts(answer: Any, expected: Mapping[Any, Any], tolerance: Tolerance, name: str) -> Mismatch | None:
    if not isinstance(answer, dict):
        return Mismatch("dtype", f"{name} is {_noun(answer)}, but should be a dictionary.")
    if answer.keys() != expected.keys():
        lists = ("lacks", expected.keys() - answer.keys()), ("has besides", answer.keys() - expected.keys())
        found = [f"{verb} {_brief(', '.join(sorted(map(repr, keys))))}" for verb, keys in lists if keys]
        return Mismatch("shape", f"{name} should have other keys: it {' and '.join(found)}.")
    for key in expected:
        wrong = compare(answer[key], expected[key], tolerance, name=f"{name}[{key!r}]")
        if wrong:
            return wrong
    return None


def _stack(parts: Any) -> np.ndarray | None:
    """A list of numbers or of equal rows as one array, or None: a list is a fine answer where an array is expected."""
    try:
        array = np.array(parts)
    except ValueError:
        return None
    return array if array.dtype.kind in "biufc" else None


def _values(answer: np.ndarray, expected: np.ndarray, tolerance: Tolerance, name: str) -> str:
    if expected.ndim == 0:
        return f"{name} is {_apart(answer[()], expected[()])}."
    wrong = ~close_entries(answer, expected, tolerance)
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = ", ".join(map(str, place))
    count = f"{int(wrong.sum())} of {wrong.size} entries {'differs' if wrong.sum() == 1 else 'differ'}"
    return f"{name} has the right shape, but {count}. Entry [{index}] is {_apart(answer[place], expected[place])}."


def _where(differ: np.ndarray, bad: np.ndarray, word: str) -> str:
    """Where one of the two is NaN (or infinite) and the other is not."""
    place = tuple(int(i) for i in np.argwhere(differ)[0])
    text, should = (f"is {word}", "finite") if bad[place] else ("is finite", word)
    if bad.ndim:
        text += f" at entry [{', '.join(map(str, place))}]"
    if differ.sum() > 1:
        text += f" and {int(differ.sum()) - 1} more"
    return f"{text}, but should be {should}"


def _apart(answer: Any, expected: Any) -> str:
    """Both numbers, with as many digits as it takes to tell them apart."""
    digits = next((d for d in (6, 9, 12) if _number(answer, d) != _number(expected, d)), 17)
    return f"{_number(answer, digits)}, but should be {_number(expected, digits)}"


def _number(value: Any, digits: int) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    return str(value) if isinstance(value, np.integer) else f"{value:.{digits}g}"


def _article(kind: str) -> str:
    word = _WORDS.get(kind, "something else")
    return word if kind == "b" else f"{'an' if word[0] in 'aeiou' else 'a'} {word} array or number"


def _noun(value: Any) -> str:
    match value:
        case None:
            return "None"
        case bool() | np.bool_():
            return "True or False"
        case int() | float() | np.generic():
            return "one number"
        case np.ndarray() if value.ndim == 0:
            return "True or False" if value.dtype.kind == "b" else "one number"
        case np.ndarray():
            return f"an array of shape {value.shape}"
        case tuple() | list():
            return f"{len(value)} values"
    names = {"dict": "a dictionary", "str": "text"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
