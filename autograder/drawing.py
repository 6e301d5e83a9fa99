"""The arguments of a check: drawn from the annotations and a secret, or taken as the author made them.

Every check draws from a generator of its own, seeded by the secret and its label, so that adding one check changes no
other.
"""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

import numpy as np

from autograder.arrays import as_array
from autograder.author import Exercise, Question
from autograder.errors import AuthorError
from autograder.records import Call, Given, Helper, Key, Parameter


def call_of(exercise: Exercise, question: Question, secret: bytes) -> Call:
    """The arguments of one check, drawn or as the author made them."""
    if question.args is not None:
        args = tuple(_data(a, question) for a in question.args)
        then = tuple((_step(exercise, m), tuple(_data(a, question) for a in rest)) for m, rest in question.then)
        return Call(args, then, question.transform)
    rng = np.random.default_rng(seed_of(secret, exercise.name, question.label))
    mapped = question.transform.axes if question.transform and question.transform.name == "vmap" else ()
    steps = []
    for method in ("", *question.methods):
        parameters = exercise.signatures[method].parameters
        given = [p for p in parameters if not p.optional or p.name in question.values]
        leading = [axis is not None for axis in mapped] if mapped and not method else [False] * len(given)
        if len(leading) != len(given):
            raise AuthorError(
                f"{question.label!r} has vmap={mapped}, but should have one entry for each of the {len(given)} "
                "arguments: 0 for those with a row for every call, None for the others."
            )
        steps.append(tuple(_draw(exercise, question, p, rng, b) for p, b in zip(given, leading, strict=True)))
    then = tuple((_step(exercise, m), args) for m, args in zip(question.methods, steps[1:], strict=True))
    return Call(steps[0], then, question.transform)


def seed_of(secret: bytes, *names: str) -> int:
    """A number that nobody can tell without the secret."""
    text = "\0".join(names).encode(errors="surrogatepass")  # a label may be any text
    return int.from_bytes(hashlib.blake2b(text, key=_key(secret), digest_size=8).digest()) >> 1


def _step(exercise: Exercise, method: str) -> str | Given:
    return Given(method) if method in exercise.helpers else method


def _draw(exercise: Exercise, question: Question, parameter: Parameter, rng: np.random.Generator, batch: bool) -> Any:
    name, spec, values = parameter.name, parameter.spec, question.values
    drawer = exercise.drawers.get(name)
    if name in values:
        value = values[name]
        if not callable(value) or isinstance(value, Helper) or spec.kind == "function":
            return _data(value, question)
        drawer = value
    if spec.kind == "key":
        return Key(int(rng.integers(2**31)))
    axes = ("batch",) * batch + (spec.axes or ())
    sizes = {a: int(a) if a.isdigit() else _size(exercise, question, a) for a in axes}
    if drawer is not None:
        known = {k: _size(exercise, question, k) for k in list(inspect.signature(drawer).parameters)[1:]}
        return _data(drawer(rng, **known), question)
    if spec.axes is None:
        raise AuthorError(f"{question.label!r} gives no value for {name}, which is no array: write {name}=...")
    shape = tuple(sizes[a] for a in axes)
    if spec.kind == "int":
        return rng.integers(0, 10, shape).astype(np.int32)
    if spec.kind == "bool":
        return rng.random(shape) < 0.5
    return rng.normal(size=shape).astype(np.float32)


def _size(exercise: Exercise, question: Question, axis: str) -> int:
    if axis not in question.values:
        raise AuthorError(f"{question.label!r} gives no size for the axis {axis} of {exercise.name}: write {axis}=...")
    size = question.values[axis]
    if not isinstance(size, int | np.integer) or size < 0:
        raise AuthorError(f"{question.label!r} has {axis}={size!r}, but the size of an axis should be a whole number.")
    return int(size)


def _data(value: Any, question: Question) -> Any:
    """An author's argument as the data that crosses to the student's side."""
    if isinstance(value, Helper):
        return Given(value.name)
    if isinstance(value, list | tuple):
        return type(value)(_data(v, question) for v in value)
    if value is None or isinstance(value, bool | int | float | complex | str | Key | Given):
        return value
    if isinstance(value, dict):
        return {k: _data(v, question) for k, v in value.items()}
    array = as_array(value)
    if array is None:
        raise AuthorError(
            f"{question.label!r} has an argument of type {type(value).__name__}, but arguments should be data, or "
            "helpers marked with @given. To watch how a function is called, write a law and pass the function there."
        )
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _key(secret: bytes) -> bytes:
    return hashlib.blake2b(secret, digest_size=32).digest()
