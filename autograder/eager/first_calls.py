"""Small programs, computed by NumPy at their first calls: compiling one would take a hundred times as long.

JAX compiles each of its functions for every shape, 10 to 20 ms each, and students' code calls most of them once or
twice; what they put under `jax.jit` takes three times as long, and is often made anew for each call. So a worker
computes programs step by step (`running`). One with a step that is not known here, or whose computation raises
anything, is compiled, so that errors are JAX's own.

A program gives the same number whenever it is called. One that comes out the same to the last bit either way is
compiled once it is called often; one that does not, practically never (`plan`).
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from autograder.eager import entries
from autograder.eager.arrays import entered, left, watched
from autograder.eager.running import Program, ready
from autograder.eager.unknown import Unknown

OFTEN = 1_000
"""So many calls cost as much as compiling does."""
PRACTICALLY_NEVER = 20_000
"""Calls after which a program is compiled whose last digit may change by that: a second has been lost by then."""
WORK = 100_000
"""Steps after which a program is compiled that is not JAX's own, or has loops: half a second has been lost by then."""
CALL = 8
"""So many steps take as long as whatever else a call does."""
PLAIN = ("in_shardings", "out_shardings", "in_layouts", "out_layouts", "donated_invars", "compiler_options_kvs")


class _NotKept:
    """In place of a profiler that wants a program rebuilt: JAX asks again at the next call, rather than take a program
    without an executable for one that never has any."""

    def is_enabled(self) -> bool:
        return True

    def is_fdo_consumed(self) -> bool:
        return False


NOT_KEPT = _NotKept()


@dataclass
class _Rest:
    """How many more calls of a program are to be computed here, and what they take and answer."""

    calls: int = 0
    program: Program | None = None
    takes: tuple[Any, ...] = ()
    answers: tuple[Any, ...] = ()
    wishes: tuple[Any, ...] = ()
    """Those with which it was called last, which were none."""


def install() -> Callable[[Any], None]:
    """From now on, in this process. Another version of JAX than the one this is made for compiles as it always did.

    What compiles is behind it as `__wrapped__`. What this returns makes a traced program ready before its first call.
    """
    import jax
    from jax._src import pjit

    entries.install()
    compiled: Any = getattr(pjit, "_pjit_call_impl_python", None)
    if compiled is None or hasattr(compiled, "__wrapped__"):
        return getattr(compiled, "ready", lambda jaxpr: None)
    library = os.path.dirname(jax.__file__) + os.sep
    met: weakref.WeakKeyDictionary[Any, _Rest] = weakref.WeakKeyDictionary()

    def meet(jaxpr: Any) -> _Rest:
        rest = met[jaxpr] = _Rest()
        with suppress(Exception):  # Unknown, or of another version of JAX
            calls, program = plan(jaxpr, library)
            rest = met[jaxpr] = _Rest(calls, program, tuple(jaxpr.in_avals), tuple(jaxpr.out_avals))
        return rest

    def ready(jaxpr: Any) -> None:
        if jaxpr not in met:
            meet(jaxpr)

    @wraps(compiled)
    def call(*args: Any, jaxpr: Any, **options: Any) -> Any:
        rest = met.get(jaxpr) or meet(jaxpr)
        if rest.calls > 0:
            rest.calls -= 1
            try:
                return computed(rest, args, options), None, NOT_KEPT, []
            except Exception:
                rest.calls = 0
        return compiled(*args, jaxpr=jaxpr, **options)

    call.ready = ready  # type: ignore[attr-defined]
    pjit._pjit_call_impl_python = call
    return ready


def plan(jaxpr: Any, library: str) -> tuple[int, Program]:
    """How many calls of this program are to be computed here, and how; `Unknown` where it is not understood."""
    if jaxpr.effects:
        raise Unknown
    program = ready(jaxpr)
    if program.exact:
        return OFTEN, program
    own = (jaxpr.jaxpr.debug_info.func_filename or "").startswith(library)
    return PRACTICALLY_NEVER if own and not program.loops else WORK // (CALL + program.cost), program


def computed(rest: _Rest, args: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    """What the program answers, as JAX's arrays; raises (`Unknown`, say) if it should be compiled."""
    wishes = tuple([options[name] for name in PLAIN])
    if not rest.wishes or wishes != rest.wishes:
        _refuse_wishes(wishes)
        rest.wishes = wishes
    if rest.program is None or watched():
        raise Unknown
    given = [entered(arg, aval) for arg, aval in zip(args, rest.takes, strict=True)]
    with np.errstate(all="ignore"):
        answers = rest.program.run(given)
    return [left(answer, aval) for answer, aval in zip(answers, rest.answers, strict=True)]


def _refuse_wishes(wishes: Sequence[Any]) -> None:
    """Raises `Unknown` if the caller wishes for anything besides the answer: devices, layouts, memory used again."""
    from jax._src import sharding_impls

    unspecified = getattr(sharding_impls, "UNSPECIFIED")  # noqa: B009  (JAX does not export it)
    if any(w is not None and w is not False and w is not unspecified for wish in wishes for w in wish):
        raise Unknown
