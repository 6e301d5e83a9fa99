"""The arguments of a visible check, as the student's function receives them, in a form that is pleasant to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from autograder.arrays import as_array
from autograder.client_sheet import Loaded, Trouble
from autograder.invoke import Bench, alive
from autograder.records import (
    Call,
    Check,
    ExerciseSheet,
    Given,
    Handle,
    Key,
    Parameter,
    Signature,
    Spec,
    Spy,
    Transform,
)

SMALL = 36
"""Arrays of at most this many entries are written out."""


class Example(tuple[Any, ...]):
    """The arguments of one check: unpack it, or call your function with `*` before it.

    `then` holds the arguments of the methods called afterwards, one tuple each; `text` is what is shown.
    """

    then: tuple[tuple[Any, ...], ...]
    text: str

    def __new__(cls, args: Iterable[Any], then: Iterable[tuple[Any, ...]] = (), text: str = "") -> Example:
        made = super().__new__(cls, args)
        made.then, made.text = tuple(then), text
        return made

    def __repr__(self) -> str:
        return self.text


class Property(str):
    """The source of a check that is a property of your function and no single call."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f'<pre style="line-height:1.45;color:inherit;background:transparent">{escape(self)}</pre>'


def make(loaded: Loaded, name: str, index: int) -> Example | Property:
    """The example of the visible check with this number, or Trouble that lists them."""
    exercise = loaded.exercise(name)
    check = chosen(exercise, index)
    if check.call is None:
        source = loaded.law_source(name, check.label)
        return Property(f"# {_commented(check.label)}\n# Here the first argument is your {name}.\n{source}")
    bench = Bench(loaded.given, _nowhere, _nowhere, loaded.sheet.arrays)
    live = tuple(alive(a, bench) for a in check.call.args or ())
    then = tuple(tuple(alive(a, bench) for a in args) for _, args in check.call.then)
    return Example(live, then, described(exercise, check, check.call))


def chosen(exercise: ExerciseSheet, index: int) -> Check:
    """The visible check with this number."""
    if isinstance(index, int) and 0 <= index < len(exercise.checks):
        return exercise.checks[index]
    listed = "\n".join(f"  {i}  {check.label}" for i, check in enumerate(exercise.checks))
    if not listed:
        raise Trouble(f"{exercise.name} has no visible check, so there is no example of it.")
    raise Trouble(f"{exercise.name} has no example {index!r}. Choose one of these:\n{listed}")


def reproduction(exercise: ExerciseSheet, index: int) -> str:
    """The code with which the student can repeat this check."""
    name, check = exercise.name, exercise.checks[index]
    example = f'example("{name}", {index})'
    if check.call is None:
        return example
    if not check.call.then:
        return f"{_transformed(name, check.call.transform)}(*{example})"
    lines = [f"e = {example}", f"model = {_transformed(name, check.call.transform)}(*e)"]
    lines += [
        f"{method.name}(model, *e.then[{i}])" if isinstance(method, Given) else f"model.{method}(*e.then[{i}])"
        for i, (method, _) in enumerate(check.call.then)
    ]
    return "\n".join(lines)


def described(exercise: ExerciseSheet, check: Check, call: Call) -> str:
    """The call, its arguments and what it should answer, as the student reads it."""
    own = exercise.signatures.get("", Signature())
    args = call.args or ()
    named = ", ".join(p.name for p in own.parameters[: len(args)])
    lines = [f"{check.label}:", f"{_transformed(exercise.name, call.transform)}({named})"]
    lines += _arguments(own.parameters, args)
    for method, args in call.then:
        word = method.name if isinstance(method, Given) else method
        signature = exercise.signatures.get(word, Signature())
        named = ", ".join(p.name for p in signature.parameters[: len(args)])
        lines.append(f"{word}(it, {named})" if isinstance(method, Given) else f".{word}({named})")
        lines += _arguments(signature.parameters, args)
    hint = _axes(check.returns.axes, check.expected)
    return "\n".join([*lines, "should return", *_value("", _rounded(check.expected), hint)])


def _arguments(parameters: Sequence[Parameter], values: Sequence[Any]) -> list[str]:
    lines = []
    for i, value in enumerate(values):
        parameter = parameters[i] if i < len(parameters) else Parameter(f"argument {i + 1}", Spec())
        lines += _value(parameter.name, value, _axes(parameter.spec.axes, value))
    return lines


def _axes(axes: tuple[str, ...] | None, value: Any) -> str:
    """The names of an array's axes; `batch` is the one that `jax.vmap` takes away."""
    rank = len(getattr(value, "shape", ()))
    named = axes if axes and rank == len(axes) else ("batch", *axes) if axes is not None and rank > len(axes) else ()
    return f"   axes {', '.join(named)}" if named else ""


def _value(name: str, value: Any, note: str) -> list[str]:
    """A value on one line, and below it the numbers of a small array."""
    head = f"  {name} = " if name else "  "
    array = as_array(value)
    if array is None or not array.ndim:
        return [head + _plain(value if array is None else array[()])]
    lines = [f"{head}{array.dtype.name} array of shape {array.shape}{note}"]
    if array.size <= SMALL:
        numbers = np.array2string(array, precision=4, suppress_small=True, separator=", ")
        lines += ["    " + line for line in numbers.split("\n")]
    return lines


def _rounded(expected: Any) -> Any:
    """The expected answer in the precision that a student's own answer has."""
    match expected:
        case np.ndarray() if expected.dtype == np.float64:
            return expected.astype(np.float32)
        case tuple() | list():
            return type(expected)(_rounded(e) for e in expected)
    return expected


def _plain(value: Any) -> str:
    if isinstance(value, Given):
        return f"the function {value.name}"
    if isinstance(value, Key):
        return f"jax.random.key({value.seed})"
    if isinstance(value, tuple | list):
        inner = ", ".join(_plain(v) for v in value)
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    array = as_array(value)
    if array is not None and array.ndim:
        numbers = np.array2string(array, precision=4, suppress_small=True, separator=", ", threshold=SMALL)
        return " ".join(numbers.split())
    if array is not None:
        value = array.item()
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _transformed(name: str, transform: Transform | None) -> str:
    match transform:
        case None:
            return name
        case Transform("grad", axes):
            return f"jax.grad({name}, {axes[0]})" if axes and axes[0] else f"jax.grad({name})"
        case Transform("vmap", axes):
            return f"jax.vmap({name}, in_axes={axes})"
    return f"jax.jit({name})"


def _commented(label: str) -> str:
    return "\n# ".join(label.split("\n"))


def _nowhere(leaf: Handle | Spy) -> Any:
    raise Trouble(f"This example needs {leaf}, which exists only while checks run.")
