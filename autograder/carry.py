"""Carrying an error forward: a wrong earlier function does not cost the points of a later one that uses it.

The later function is judged once more, in a fresh worker where the names it needs are bound to our references. They are
called back, never sent, and what a callback may ask for is limited before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.author import Exercise
from autograder.course import Chapter
from autograder.records import ExerciseSheet, Given, Kind, Spy, Verdict

MAX_CALLS = 5_000
MAX_ENTRIES = 40_000  # of one array: a 200 x 200 Gram matrix
MAX_SIDE = 400


class Refused(Exception):
    """The student's code asked the reference for more than any honest solution needs."""


def wants_carrying(exercise: ExerciseSheet, verdicts: Mapping[str, Verdict]) -> bool:
    """Whether this exercise lost points that an earlier mistake may have cost.

    One that is still the starter has not. Where others are too, it may be their words that came through a written one.
    """
    own = verdicts[exercise.name]
    others = (v for name, v in verdicts.items() if name != exercise.name)
    return (
        own.score < own.max_score
        and any(verdicts[n].score < verdicts[n].max_score for n in exercise.needs)
        and (own.attempted or any(f.kind == "missing" for other in others for f in other.findings))
    )


def reference_spies(chapter: Chapter, names: Sequence[str], *, exercises: int = 1) -> Mapping[str, Spy]:
    """The references behind `names`, as functions that the student's code can call back within limits: so many
    `exercises` may each call them `MAX_CALLS` times."""
    needed = [chapter.exercises[n] for n in names]
    known = {e.name: e.target for e in needed} | {n: h.function for n, h in chapter.helpers.items()}
    return {e.name: _spy(e, known, exercises * MAX_CALLS) for e in needed}


def _spy(exercise: Exercise, known: Mapping[str, Callable[..., Any]], most: int) -> Spy:
    signature = exercise.signatures[""]
    kinds = {i: p.spec.kind for i, p in enumerate(signature.parameters)}
    calls = 0

    def reference(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > most:
            raise Refused("too many calls")
        return exercise.target(*(_admitted(a, known, kinds.get(i, "any")) for i, a in enumerate(args)))

    return Spy(exercise.name, reference, signature.parameters, signature.returns)


def _admitted(value: Any, known: Mapping[str, Callable[..., Any]], kind: Kind = "any") -> Any:
    """An argument of a callback, small enough and of a kind that a reference takes: text only where it asks for it."""
    match value:
        case str() if kind == "text" and len(value) <= MAX_SIDE:
            return value
        case np.ndarray() if value.size <= MAX_ENTRIES and max(value.shape, default=0) <= MAX_SIDE:
            import jax.numpy as jnp

            return jnp.asarray(value)
        case bool() | int() | float():
            return value
        case Given(name) if name in known:
            return known[name]
        case list() | tuple() if len(value) <= MAX_SIDE:
            return type(value)(_admitted(v, known) for v in value)
    raise Refused("an argument that the reference does not take")
