"""Which small XLA programs students' code will need: learned from authors' code, kept as data, run again as data.

Outside `jax.jit`, JAX compiles one program for each function of its own and each shape. Those are the same for everyone
who writes `jnp.exp(x)`, and no part of any answer. Recording keeps nothing but the name of a function of JAX, shapes
and dtypes, and settings such as `axis=1`: no function of the course, no number of an array, no scalar.
"""

from __future__ import annotations

import enum
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

Program = dict[str, Any]


class Unwritable(Exception):
    """This argument cannot be written down, or is not JAX's own."""


@dataclass(frozen=True)
class Mapped:
    """An array and the axis over which each level of `vmap` maps, 0 being the outermost."""

    array: Any
    axes: Mapping[int, int]


@dataclass(frozen=True)
class Differentiated:
    """An array with respect to which a gradient is taken."""

    array: Any


@contextmanager
def recording(into: dict[str, Program]) -> Iterator[None]:
    """Adds every program that JAX runs for the first time outside of tracing, under `vmap` or under `grad`, under its
    own text."""
    import json

    from jax._src import pjit

    run = pjit._run_python_pjit

    def recorded(p: Any, flat: Any, function: Any, args: Any, kwargs: Any) -> Any:
        try:
            program = described(function, args, kwargs)
            into[json.dumps(program)] = program  # as ordered: JAX keeps settings by their order too
        except Unwritable:
            pass
        return run(p, flat, function, args, kwargs)

    pjit._run_python_pjit = recorded  # type: ignore[assignment]
    try:
        yield
    finally:
        pjit._run_python_pjit = run


def described(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Program:
    """A call of one of JAX's own functions as data, or `Unwritable`."""
    if getattr(function, "_apply_primitive", False):
        cells = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
        params = cells["params"].cell_contents
        return {
            "primitive": cells["prim"].cell_contents.name,
            "params": {k: setting(v) for k, v in params.items()},
            "args": [value(a) for a in args],
        }
    module, name = function.__module__ or "", function.__qualname__
    if not module.startswith("jax.") or "<" in name:
        raise Unwritable(name)
    known = getattr(importlib.import_module(module), name, None)
    info = getattr(known, "_jit_info", None)
    if info is None and type(known).__name__ != "ufunc":
        raise Unwritable(name)
    static, named = (info.static_argnums, info.static_argnames) if info else ((), ())
    return {
        "function": [module, name],
        "args": [setting(a) if i in static else value(a) for i, a in enumerate(args)],
        "kwargs": {k: setting(v) if k in named else value(v) for k, v in kwargs.items()},
    }


def value(arg: Any) -> Any:
    """An array or a number, without what it holds."""
    import jax
    from jax._src import core
    from jax._src.interpreters.ad import LinearizeTracer
    from jax._src.interpreters.batching import BatchTracer

    if isinstance(arg, BatchTracer):
        return {"mapped": [*over(arg)]}
    if isinstance(arg, LinearizeTracer) and not isinstance(arg.primal, core.Tracer):
        return {"differentiated": value(arg.primal)}
    if isinstance(arg, core.Tracer):
        raise Unwritable("a traced value")
    if isinstance(arg, jax.Array) and not jax.numpy.issubdtype(arg.dtype, jax.dtypes.prng_key):
        return {"array": [arg.dtype.name, list(arg.shape), bool(arg.aval.weak_type)]}
    if isinstance(arg, jax.Array):
        return {"key": [str(jax.random.key_impl(arg)), list(arg.shape)]}
    if isinstance(arg, np.ndarray | np.generic) and arg.dtype.kind in "biufc":
        return {"numpy": [arg.dtype.name, list(arg.shape)]}
    if type(arg) in (bool, int, float, complex):
        return {"number": type(arg).__name__}
    if arg is None:
        return None
    if type(arg) in (list, tuple):
        return {type(arg).__name__: [value(a) for a in arg]}
    raise Unwritable(type(arg).__name__)


def over(arg: Any) -> tuple[Any, list[list[int]]]:
    """The array behind an argument under `vmap`, and [level, axis] for each that maps over it; 0 is the outermost."""
    from jax._src.interpreters.batching import BatchTracer

    axes: list[list[int]] = []
    while isinstance(arg, BatchTracer):
        level, trace = 0, cast(Any, arg._trace)
        while (trace := getattr(trace, "parent_trace", None)) is not None and hasattr(trace, "parent_trace"):
            level += 1
        if type(arg.batch_dim) is int:
            axes.append([level, arg.batch_dim])
        arg = arg.val
    return value(arg), axes


def setting(arg: Any) -> Any:
    """A static argument, which is part of the program."""
    if arg is None or type(arg) in (bool, int, float, str):
        return arg
    if isinstance(arg, np.integer):
        return int(arg)
    if isinstance(arg, np.dtype) or (isinstance(arg, type) and issubclass(arg, np.generic)):
        return {"dtype": np.dtype(arg).name}
    kind = type(arg)
    if isinstance(arg, enum.Enum) and kind.__module__.startswith("jax"):
        return {"enum": [kind.__module__, kind.__qualname__, arg.name]}
    if isinstance(arg, tuple) and kind is not tuple and kind.__module__.startswith("jax"):
        return {"named": [kind.__module__, kind.__qualname__, [setting(a) for a in arg]]}
    if kind in (list, tuple):
        return {kind.__name__: [setting(a) for a in arg]}
    raise Unwritable(kind.__name__)


def run(program: Program, primitives: Mapping[str, Any]) -> Any:
    """Runs the program once, on ones, so that JAX knows it. Returns what it answers."""
    args = [living(a) for a in program["args"]]
    if "primitive" in program:
        params = {k: living(v) for k, v in program["params"].items()}
        from jax._src import dispatch

        return dispatch.apply_primitive(primitives[program["primitive"]], *args, **params)  # type: ignore[no-untyped-call]
    module, name = program["function"]
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    named = {k: living(v) for k, v in program["kwargs"].items()}
    if any(isinstance(a, Differentiated) for a in (*args, *named.values())):
        return _under_grad(function, args, named)
    return _under_vmap(function, args, named)


def _opened(
    function: Callable[..., Any], args: list[Any], named: dict[str, Any], kind: type
) -> tuple[Callable[..., Any], list[Any]]:
    """It as a function of those arguments alone that are of this kind, and these."""
    places: list[Any] = [i for i, a in enumerate(args) if isinstance(a, kind)]
    places += [k for k, a in named.items() if isinstance(a, kind)]

    def call(*arrays: Any) -> Any:
        there = dict(zip(places, arrays, strict=True))
        return function(
            *(there.get(i, a) for i, a in enumerate(args)), **{k: there.get(k, a) for k, a in named.items()}
        )

    return call, [args[p] if isinstance(p, int) else named[p] for p in places]


def _under_grad(function: Callable[..., Any], args: list[Any], named: dict[str, Any]) -> Any:
    """Calls it as a gradient does, forwards and backwards, with respect to what is `Differentiated`."""
    import jax

    call, places = _opened(function, args, named, Differentiated)
    answer, back = jax.vjp(call, *(p.array for p in places))
    back(answer)
    return answer


def _under_vmap(function: Callable[..., Any], args: list[Any], named: dict[str, Any]) -> Any:
    """Calls it with what is `Mapped` mapped over, level by level."""
    import jax

    call, mapped = _opened(function, args, named, Mapped)
    for level in sorted({level for m in mapped for level in m.axes}, reverse=True):
        call = jax.vmap(call, in_axes=tuple(m.axes.get(level) for m in mapped))
    return call(*(m.array for m in mapped))


def living(node: Any) -> Any:
    """The argument for what `value` or `setting` wrote."""
    if not isinstance(node, dict):
        return node
    (kind, body), *_ = node.items()
    match kind:
        case "array":
            import jax

            dtype, shape, weak = body
            from jax._src.lax import lax

            made = jax.device_put(np.ones(shape, dtype))
            return lax._convert_element_type(made, made.dtype, weak_type=True) if weak else made
        case "key":
            import jax

            impl, shape = body
            return jax.random.split(jax.random.key(0, impl=impl), shape) if shape else jax.random.key(0, impl=impl)
        case "mapped":
            return Mapped(living(body[0]), {level: axis for level, axis in body[1]})
        case "differentiated":
            return Differentiated(living(body))
        case "numpy":
            return np.ones(body[1], body[0])
        case "number":
            return {"bool": True, "int": 1, "float": 1.0, "complex": 1j}[body]
        case "dtype":
            return np.dtype(body)
        case "enum":
            return getattr(importlib.import_module(body[0]), body[1])[body[2]]
        case "named":
            return getattr(importlib.import_module(body[0]), body[1])(*(living(b) for b in body[2]))
        case "list":
            return [living(b) for b in body]
        case "tuple":
            return tuple(living(b) for b in body)
    raise Unwritable(kind)


def primitives() -> dict[str, Any]:
    """JAX's primitives by name."""
    import jax.numpy
    import jax.random
    import jax.scipy.linalg  # noqa: F401
    from jax._src import core

    found: dict[str, Any] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("jax._src."):
            for thing in list(vars(module).values()):
                if isinstance(thing, core.Primitive):
                    found.setdefault(thing.name, thing)
    return found
