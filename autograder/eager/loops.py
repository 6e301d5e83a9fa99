"""Loops, as long as they are short: `scan` and `while`, whose bodies are programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.eager.unknown import Unknown

MOST_STEPS = 2_000
"""What computes more steps in one call is compiled, which costs as much as ten thousand."""

Array = np.ndarray[Any, Any]
Loop = tuple[Callable[..., Sequence[Any]], tuple[Any, ...]]
"""What computes a loop, and the programs of which it is made."""


def scan(params: Mapping[str, Any], ready: Callable[[Any], Any]) -> Loop:
    """`lax.scan`: constants, what is carried on, and what is gone through along its first axis."""
    body, length, backwards = ready(params["jaxpr"]), params["length"], params["reverse"]
    given, end = params["num_consts"], params["num_consts"] + params["num_carry"]
    if body.unbounded or not 0 < length * max(1, body.cost) <= MOST_STEPS:
        raise Unknown

    def run(*args: Any) -> Sequence[Any]:
        carried, found = list(args[given:end]), []
        for i in reversed(range(length)) if backwards else range(length):
            answers = body.run([*args[:given], *carried, *(each[i, ...] for each in args[end:])])
            carried = answers[: end - given]
            found.append(answers[end - given :])
        rows = found[::-1] if backwards else found
        return [*carried, *map(np.stack, zip(*rows, strict=True))]

    return run, (body,)


def while_loop(params: Mapping[str, Any], ready: Callable[[Any], Any]) -> Loop:
    """`lax.while_loop`: constants of the condition, those of the body, and what is carried on. Under `vmap` there is a
    condition for each of the first axes' entries, and what has ended stays as it is."""
    goes_on, body = ready(params["cond_jaxpr"]), ready(params["body_jaxpr"])
    begin, end = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    if goes_on.unbounded or body.unbounded:
        raise Unknown
    most = MOST_STEPS // (1 + goes_on.cost + body.cost)

    def run(*args: Any) -> Sequence[Any]:
        carried = list(args[end:])
        for _ in range(most):
            (goes,) = goes_on.run([*args[:begin], *carried])
            if not goes.any():
                return carried
            changed = body.run([*args[begin:end], *carried])
            carried = changed if goes.all() else [_where(goes, *pair) for pair in zip(changed, carried, strict=True)]
        raise Unknown

    return run, (goes_on, body)


def _where(goes: Array, changed: Array, carried: Array) -> Array:
    return np.where(goes.reshape(*goes.shape, *[1] * (carried.ndim - goes.ndim)), changed, carried)


LOOPS: Mapping[str, Callable[[Mapping[str, Any], Callable[[Any], Any]], Loop]] = {"scan": scan, "while": while_loop}
