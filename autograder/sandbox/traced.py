"""JAX's own functions traced before the fork, at the shapes that a chapter's students will need (`programs`).

A first call of one takes JAX a third of a millisecond to trace, and NumPy less to compute. Tracing computes nothing and
starts no XLA client: what it finds out lies in JAX's caches, which workers inherit.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

Program = Mapping[str, Any]


def trace(wanted: Iterable[Program], ready: Callable[[Any], None]) -> Iterator[None]:
    """Has JAX trace one program after the other, as often as it is asked to go on, and `ready` make of each what it
    can."""
    known, kinds = dict[str, Any](), dict[str, Any]()
    for program in wanted:
        with suppress(Exception):  # of another version of JAX, say: then whoever needs it traces it
            known = known or primitives()
            ready(traced(program, known, kinds))
        yield


def traced(program: Program, known: Mapping[str, Any], kinds: dict[str, Any]) -> Any:
    """What JAX makes of the program, and keeps. `known` are its `primitives`, `kinds` those of random keys so far."""
    from jax._src import dispatch, pjit

    args = tuple(living(a, kinds) for a in program["args"])
    named = {k: living(v, kinds) for k, v in program.get("kwargs", {}).items()}
    if "primitive" in program:
        params = {k: living(v, kinds) for k, v in program["params"].items()}
        function: Any = dispatch.xla_primitive_callable(known[program["primitive"]], **params)
    else:
        module, name = program["function"]
        function = getattr(importlib.import_module(module), name)
        if not hasattr(function, "_jit_info"):  # one of `jax.numpy.ufunc`
            function = vars(function)["_ufunc__static_props"]["call"]
    found, _ = pjit._infer_params(function._fun, function._jit_info, args, named)
    return found.params["jaxpr"]


def living(node: Any, kinds: dict[str, Any]) -> Any:
    """The argument for what `programs.value` or `programs.setting` wrote; an array is nothing but its shape."""
    import jax

    match node:
        case {"array": [dtype, shape, weak]}:
            return jax.ShapeDtypeStruct(shape, dtype, weak_type=weak)  # type: ignore[no-untyped-call]
        case {"key": [impl, shape]}:
            name = json.dumps(node)
            if name not in kinds:
                kinds[name] = jax.eval_shape(lambda: _key(impl, shape))
            return kinds[name]
        case {"numpy": [dtype, shape]}:
            return np.ones(shape, dtype)
        case {"number": name}:
            return {"bool": True, "int": 1, "float": 1.0, "complex": 1j}[name]
        case {"dtype": name}:
            return np.dtype(name)
        case {"enum": [module, kind, name]}:
            return getattr(importlib.import_module(module), kind)[name]
        case {"named": [module, kind, parts]}:
            return getattr(importlib.import_module(module), kind)(*(living(part, kinds) for part in parts))
        case {"list": parts}:
            return [living(part, kinds) for part in parts]
        case {"tuple": parts}:
            return tuple(living(part, kinds) for part in parts)
    return node


def _key(impl: str, shape: tuple[int, ...]) -> Any:
    import jax

    key = jax.random.key(0, impl=impl)
    return jax.random.split(key, shape) if shape else key


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
