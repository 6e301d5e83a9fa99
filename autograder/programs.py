"""Which of JAX's own functions students will call, and at which shapes: learned from authors' code, kept as data.

JAX traces a function anew for each shape, setting and dtype. Those are the same for everyone who writes `jnp.exp(x)`,
and no part of any answer. Recording keeps nothing but the name of a function of JAX, shapes and dtypes, and settings
such as `axis=1`: no function of the course, no number of an array, no scalar. `sandbox.traced` reads it.
"""

from __future__ import annotations

import enum
import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

Program = dict[str, Any]


class Unwritable(Exception):
    """This argument cannot be written down, or is not JAX's own."""


@contextmanager
def recording(into: dict[str, Program]) -> Iterator[None]:
    """Adds every program that JAX runs for the first time outside of tracing, under its own text."""
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
