"""Small programs of JAX's own, computed by NumPy: compiling one would take a hundred times as long.

JAX compiles each of its functions for every shape, 10 to 20 ms each, and students' code calls most of them once or
twice. So a worker computes them step by step (`steps`). What a student compiles with `jax.jit` is compiled, and so is a
program with a step that is not known here, or whose computation raises anything, so that errors are JAX's own.

A program gives the same number whenever it is called. One that comes out the same to the last bit either way is
compiled once it is called often; one that does not, practically never (`plan`). As in XLA's programs, numbers that are
too small to be normal are zero.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any

import numpy as np

from autograder.eager.algebra import ALGEBRA
from autograder.eager.indexing import INDEXING
from autograder.eager.keys import KEYS, WORD
from autograder.eager.shapes import SHAPES
from autograder.eager.steps import STEPS, flushed
from autograder.eager.unknown import Step, Unknown

OFTEN = 400
"""So many calls cost as much as compiling does."""
PRACTICALLY_NEVER = 20_000
"""Calls after which a program is compiled whose last digit may change by that: a second has been lost by then."""
MOST = 1 << 20  # elements of an array
DTYPES = frozenset(map(np.dtype, ("bool", "int8", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64")))
INNER = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}
"""Steps that are a program themselves, and the parameter that holds it."""
KEY = "key<fry>"
KNOWN: Mapping[str, Step] = {**STEPS, **SHAPES, **INDEXING, **ALGEBRA, **KEYS}
ROUNDING = frozenset({"add", "add_any", "sub", "mul", "sqrt", "square"})
"""Steps that round once, as the standard for floating-point numbers says. XLA may join two of them and round once; and
it divides by one number by multiplying with another."""
_MOVING = """
    abs bitcast_convert_type broadcast_in_dim concatenate copy copy_p dynamic_slice dynamic_update_slice gather iota neg
    pad reshape rev scatter select_n slice sort split squeeze stack stop_gradient tile transpose unstack
"""
_COMPARING = """
    and argmax argmin ceil clamp convert_element_type cummax cummin eq floor ge gt is_finite le lt max min ne not or
    reduce_and reduce_max reduce_min reduce_or round shift_left shift_right_arithmetic shift_right_logical sign xor
"""
MOVING = frozenset(_MOVING.split())
"""Steps whose answers have the numbers that they were given, the smallest ones included."""
EXACT = frozenset([*MOVING, *_COMPARING.split(), *KEYS])
"""Steps that round nothing."""
PLAIN = ("in_shardings", "out_shardings", "in_layouts", "out_layouts", "donated_invars", "compiler_options_kvs")

Array = np.ndarray[Any, Any]


class _NotKept:
    """In place of a profiler that wants a program rebuilt: JAX asks again at the next call, rather than take a program
    without an executable for one that never has any."""

    def is_enabled(self) -> bool:
        return True

    def is_fdo_consumed(self) -> bool:
        return False


NOT_KEPT = _NotKept()


def install() -> None:
    """From now on, in this process. Another version of JAX than the one this is made for compiles as it always did.

    What compiles is behind it as `__wrapped__`.
    """
    import jax
    from jax._src import pjit

    compiled: Any = getattr(pjit, "_pjit_call_impl_python", None)
    if compiled is None or hasattr(compiled, "__wrapped__"):
        return
    library = os.path.dirname(jax.__file__) + os.sep
    left_to_do: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    @wraps(compiled)
    def call(*args: Any, jaxpr: Any, **options: Any) -> Any:
        calls = left_to_do.get(jaxpr)
        if calls is None:
            with suppress(Exception):  # of another version of JAX
                calls = plan(jaxpr, library)
            calls = calls or 0
        left_to_do[jaxpr] = max(0, calls - 1)
        if calls:
            try:
                return computed(jaxpr, args, options), None, NOT_KEPT, []
            except Exception:
                left_to_do[jaxpr] = 0
        return compiled(*args, jaxpr=jaxpr, **options)

    pjit._pjit_call_impl_python = call


def plan(jaxpr: Any, library: str) -> int:
    """How many calls of this program are to be computed here; none where it is not JAX's own or not understood."""
    if jaxpr.effects or not (jaxpr.jaxpr.debug_info.func_filename or "").startswith(library):
        return 0
    rounded, exact = 0, True
    for step in _all_steps(jaxpr.jaxpr):
        name = step.primitive.name
        floats = any(getattr(v.aval.dtype, "kind", "u") not in "biu" for v in step.outvars)
        if name not in KNOWN and not _inner(step):
            return 0
        rounds = floats and (name in ROUNDING or (name == "integer_pow" and step.params["y"] == 2))
        rounded += rounds
        exact &= rounds or name in EXACT or (not floats and name in STEPS) or bool(_inner(step))
    return OFTEN if exact and rounded <= 1 else PRACTICALLY_NEVER


def _all_steps(program: Any) -> Iterator[Any]:
    """The steps of a program and of those within it."""
    for step in program.eqns:
        yield step
        for inner in _inner(step):
            yield from _all_steps(inner.jaxpr)


def _inner(step: Any) -> tuple[Any, ...]:
    """The programs of which this step does one; none if it is not made of programs."""
    match step.primitive.name:
        case "cond":
            return tuple(step.params["branches"])
        case "custom_linear_solve":
            return (step.params["jaxprs"].solve,)
        case name if name in INNER:
            return (step.params[INNER[name]],)
    return ()


def computed(jaxpr: Any, args: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    """What the program answers, as JAX's arrays; raises (`Unknown`, say) if it should be compiled."""
    import jax
    from jax._src import config

    if _special(options) or config.debug_nans.value or config.debug_infs.value:
        raise Unknown
    (device,) = jax.devices()
    if device.platform != "cpu" or config.default_device.value is not None:
        raise Unknown
    given = [entered(arg, aval) for arg, aval in zip(args, jaxpr.in_avals, strict=True)]
    with np.errstate(all="ignore"):
        answers = run(jaxpr.jaxpr, jaxpr.consts, given)
    return [left(answer, aval, device) for answer, aval in zip(answers, jaxpr.out_avals, strict=True)]


def _special(options: Mapping[str, Any]) -> bool:
    """Whether the caller asked for anything besides the answer: devices, layouts, memory to be used again."""
    from jax._src import sharding_impls

    wishes = [wish for name in PLAIN for wish in options[name]]
    unspecified = getattr(sharding_impls, "UNSPECIFIED")  # noqa: B009  (JAX does not export it)
    return any(w is not None and w is not False and w is not unspecified for w in wishes)


def run(program: Any, consts: Sequence[Any], args: Sequence[Array]) -> list[Array]:
    """The program's answers. Each step must answer in the shape and dtype that JAX expects of it."""
    found: dict[Any, Array] = {}

    def read(atom: Any) -> Array:
        return entered(atom.val, atom.aval) if hasattr(atom, "val") else found[atom]

    for const, var in zip(consts, program.constvars, strict=True):
        found[var] = entered(const, var.aval)
    found.update(zip(program.invars, args, strict=True))
    for step in program.eqns:
        seen = np.asarray if step.primitive.name in MOVING else flushed
        answers = _answers(step, [seen(read(atom)) for atom in step.invars])
        for var, answer in zip(step.outvars, answers, strict=True):
            found[var] = seen(expected(np.asarray(answer), var.aval))
    return [read(atom) for atom in program.outvars]


def _answers(step: Any, given: list[Array]) -> Sequence[Any]:
    name, params, inner = step.primitive.name, step.params, _inner(step)
    if name == "cond":
        which = min(max(int(given[0]), 0), len(inner) - 1)
        return run(inner[which].jaxpr, inner[which].consts, given[1:])
    if name == "custom_linear_solve":  # whose arguments are those of four functions, and the right-hand sides
        lengths = params["const_lengths"]
        begin = lengths.matvec + lengths.vecmat
        rest = given[begin + lengths.solve + lengths.transpose_solve :]
        return run(inner[0].jaxpr, inner[0].consts, given[begin : begin + lengths.solve] + rest)
    if inner:
        return run(inner[0].jaxpr, inner[0].consts, given)
    if name not in KNOWN:
        raise Unknown
    answer: Any = KNOWN[name](params, *given)
    return answer if step.primitive.multiple_results else [answer]


def entered(value: Any, aval: Any) -> Array:
    """An argument or a constant as JAX takes it up."""
    import jax

    if getattr(value, "_committed", False):
        raise Unknown
    if is_key(aval):
        return expected(np.asarray(jax.random.key_data(value)), aval)
    return expected(np.asarray(value, dtype=aval.dtype), aval)


def left(array: Array, aval: Any, device: Any) -> Any:
    """An answer as JAX's array. It shares no memory with anything, since JAX may take it as it is."""
    import jax
    from jax._src.core import ShapedArray
    from jax._src.interpreters import pxla

    own = np.array(array, order="C", copy=True)
    if is_key(aval):
        return jax.random.wrap_key_data(left(own, ShapedArray(own.shape, own.dtype), device))
    sharding = jax.sharding.SingleDeviceSharding(device)
    return pxla.batched_device_put(aval, sharding, [own], [device], committed=False)


def is_key(aval: Any) -> bool:
    """Whether these are keys of JAX's default generator, which are two words each here."""
    return not isinstance(aval.dtype, np.dtype) and str(aval.dtype) == KEY


def expected(array: Array, aval: Any) -> Array:
    """The array, if it is of that shape and dtype and not too large."""
    shape, dtype = ((*aval.shape, 2), WORD) if is_key(aval) else (aval.shape, aval.dtype)
    if array.dtype not in DTYPES or array.dtype != dtype or array.shape != shape or array.size > MOST:
        raise Unknown
    return array
