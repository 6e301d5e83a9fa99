"""Applying a `Call` to an object, on the student's side: in the worker, or in the student's own notebook.

Here leaves of a call come to life (arrays, keys, helpers, handles, spies), transforms are applied and changed arguments
are noticed. Imports no course, no grader, and JAX only when a call needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from autograder.records import Call, Given, Handle, Key, Returned, Spec, Spy, Transform


@dataclass(frozen=True)
class Bench:
    """What the leaves of a call stand for on this side."""

    given: Mapping[str, Callable[..., Any]]
    handle: Callable[[Handle], Any]
    spy: Callable[[Spy], Callable[..., Any]]
    arrays: Literal["jax", "numpy"] = "jax"


def load_given(sources: Mapping[str, str]) -> dict[str, Callable[..., Any]]:
    """The helper functions whose source the course ships, by name. They may use `np`, `jax`, `jnp` and each other."""
    namespace: dict[str, Any] = {"np": np}
    if any("jax" in source or "jnp" in source for source in sources.values()):
        import jax
        import jax.numpy as jnp

        namespace.update(jax=jax, jnp=jnp)
    for name, source in sources.items():
        exec(compile(source, f"<given {name}>", "exec"), namespace)
    return {name: namespace[name] for name in sources}


def invoke(target: Any, call: Call, bench: Bench) -> Returned:
    """What `target` returns for `call`. Whatever the student's code raises passes through."""
    changed: tuple[int, ...] = ()
    value = target
    if call.args is not None:
        function = transformed(target, call.transform)
        live = tuple(alive(a, bench) for a in call.args)
        value = function(*live)
        changed = tuple(i for i, (a, b) in enumerate(zip(call.args, live, strict=True)) if not unchanged(a, b))
    for method, args in call.then:
        live = tuple(alive(a, bench) for a in args)
        step = partial(bench.given[method.name], value) if isinstance(method, Given) else getattr(value, method)
        answer = step(*live)
        value = value if answer is None else answer
    return Returned(settled(value), changed)


def transformed(function: Callable[..., Any], transform: Transform | None) -> Callable[..., Any]:
    if transform is None:
        return function
    import jax

    if transform.name == "grad":
        return jax.grad(function, argnums=transform.axes[0] or 0)
    if transform.name == "vmap":
        return jax.vmap(function, in_axes=transform.axes)
    return jax.jit(function)


def alive(tree: Any, bench: Bench) -> Any:
    """The argument that the student's function receives for this leaf or tree of leaves."""
    match tree:
        case np.ndarray() | np.generic():
            if bench.arrays == "jax":
                import jax.numpy as jnp

                return jnp.asarray(tree)
            return np.array(tree)
        case Given(name):
            return bench.given[name]
        case Key(seed):
            import jax

            return jax.random.key(seed)
        case Handle():
            return bench.handle(tree)
        case Spy():
            return traceable(bench.spy(tree), tree)
        case list():
            return [alive(x, bench) for x in tree]
        case tuple():
            return tuple(alive(x, bench) for x in tree)
        case dict():
            return {k: alive(v, bench) for k, v in tree.items()}
    return tree


def unchanged(sent: Any, live: Any) -> bool:
    """Whether an argument still holds what was sent. JAX arrays and scalars cannot change."""
    match sent:
        case np.ndarray():
            if not isinstance(live, np.ndarray):
                return True
            return sent.shape == live.shape and bool(np.array_equal(sent, live, equal_nan=sent.dtype.kind in "fc"))
        case list() | tuple():
            same = len(sent) == len(live)
            return same and all(unchanged(a, b) for a, b in zip(sent, live, strict=True))
        case dict():
            return sent.keys() == live.keys() and all(unchanged(sent[k], live[k]) for k in sent)
        case bool() | int() | float() | str():
            return type(sent) is type(live) and repr(sent) == repr(live)  # by repr, because NaN does not equal itself
    return True


def settled(value: Any) -> Any:
    """The value once JAX's asynchronous work on it is done, so that a deadline measures the work."""
    wait = getattr(value, "block_until_ready", None)
    if wait is not None and type(value).__module__.startswith("jax"):
        wait()
    return value


def traceable(call_back: Callable[..., Any], spy: Spy) -> Callable[..., Any]:
    """The spy's function as the student may call it: by keyword where `spy.parameters` names the arguments, and under
    JAX's tracing where `spy.returns` tells the answer's shape."""

    def function(*given: Any, **keywords: Any) -> Any:
        args = positional(spy, given, keywords)
        if spy.returns is None or "jax" not in sys.modules:
            return call_back(*args)
        import jax

        traced = [i for i, a in enumerate(args) if any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves(a))]
        if not traced:
            return call_back(*args)

        def call(*arrays: Any) -> Any:
            known = dict(zip(traced, arrays, strict=True))  # the rest may be no arrays at all
            return cast(call_back(*(known.get(i, a) for i, a in enumerate(args))), answer)

        answer = shapes(spy, args)
        return jax.pure_callback(call, answer, *(args[i] for i in traced), vmap_method="sequential")

    function.__name__ = spy.name
    return function


def positional(spy: Spy, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments in order. What may be left out may only be left out at the end."""
    names = [p.name for p in spy.parameters[len(args) :]]
    named = names[: len(keywords)]
    if set(named) != keywords.keys():
        raise TypeError(f"{spy.name} takes {', '.join(p.name for p in spy.parameters)}, not {', '.join(keywords)}")
    return (*args, *(keywords[name] for name in named))


def shapes(spy: Spy, args: tuple[Any, ...]) -> Any:
    """The shape and dtype of what `spy` answers to `args`, from the axes named in its specs."""
    import jax
    import jax.numpy as jnp

    sizes: dict[str, int] = {}
    for parameter, arg in zip(spy.parameters, args, strict=False):
        if parameter.spec.axes is not None:
            sizes.update(zip(parameter.spec.axes, jnp.shape(arg), strict=False))

    def shape(spec: Spec) -> Any:
        if spec.kind == "tuple":
            return tuple(shape(part) for part in spec.items)
        if spec.kind == "any":  # an answer of no stated shape, such as that of a softmax, is as large as what came in
            return jax.ShapeDtypeStruct(jnp.shape(args[0]), jnp.float32)  # type: ignore[no-untyped-call]
        dtype = {"int": jnp.int32, "bool": jnp.bool_}.get(spec.kind, jnp.float32)
        sides = [int(a) if a.isdigit() else sizes[a] for a in spec.axes or ()]
        return jax.ShapeDtypeStruct(sides, dtype)  # type: ignore[no-untyped-call]

    return shape(spy.returns or Spec())


def cast(value: Any, answer: Any) -> Any:
    if isinstance(answer, tuple):
        return tuple(cast(v, a) for v, a in zip(value, answer, strict=True))
    return np.asarray(value, answer.dtype)
