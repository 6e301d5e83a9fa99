"""What a function's annotations say about the shapes of its arguments and of its answer.

Understands jaxtyping (`Float[Array, "n d"]`) without importing it, plain Python types, and tuples of these.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from autograder.errors import AuthorError
from autograder.records import Kind, Parameter, Signature, Spec

_KINDS: Mapping[str, Kind] = {
    "Float": "float", "Num": "float", "Real": "float", "Inexact": "float",
    "Int": "int", "Integer": "int", "UInt": "int",
    "Bool": "bool", "Complex": "complex", "Key": "key", "PRNGKeyArray": "key",
}  # fmt: skip
_PLAIN: Mapping[Any, Kind] = {float: "float", int: "int", bool: "bool", complex: "complex", str: "text"}


def spec_of(annotation: Any) -> Spec:
    """The `Spec` of an annotation. Axes are names or numbers; anything cleverer is an AuthorError."""
    if annotation in _PLAIN:
        return Spec(_PLAIN[annotation])
    dims, dtype = getattr(annotation, "dim_str", None), getattr(annotation, "dtype", None)
    if dims is not None and dtype is not None:
        axes = tuple(dims.split())
        for axis in axes:
            if not (axis.isidentifier() or axis.isdigit()):
                raise AuthorError(f"The axis {axis!r} in {annotation} should be a plain name or a number.")
        kind = _KINDS.get(dtype.__name__, "any")
        return Spec("key") if kind == "key" else Spec(kind, axes)
    origin = typing.get_origin(annotation)
    if origin is tuple:
        return Spec("tuple", items=tuple(spec_of(a) for a in typing.get_args(annotation)))
    if origin is typing.Union or origin is types.UnionType:  # the first member says it best: jaxtyping's PRNGKeyArray
        return spec_of(typing.get_args(annotation)[0])
    if origin is not None and getattr(origin, "__name__", "") == "Callable":
        return Spec("function")
    if annotation is Callable or annotation is types.FunctionType:
        return Spec("function")
    return Spec("any")


def signatures_of(target: Callable[..., Any]) -> Mapping[str, Signature]:
    """The signature of a function under "", or of a class: its construction under "", its methods under their names."""
    if not inspect.isclass(target):
        return {"": signature_of(target)}
    found = {"": _method(target.__init__)}
    for name, method in inspect.getmembers(target, inspect.isfunction):
        own = method.__module__ == target.__module__  # what a base class of a library has is no part of the exercise
        if own and not name.startswith("_"):
            found[name] = _method(method)
    return found


def signature_of(function: Callable[..., Any], annotations: Mapping[str, Any] = {}) -> Signature:
    """The signature of a function. `annotations` (`returns` among them) count where the function has none."""
    found = inspect.signature(function)
    named = [p for p in found.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    for name in annotations.keys() - {p.name for p in named} - {"returns"}:
        raise AuthorError(f"{function.__name__} has no argument {name}, so nothing should be said of it.")
    parameters = tuple(
        Parameter(p.name, spec_of(annotations.get(p.name, p.annotation)), p.default is not p.empty) for p in named
    )
    return Signature(parameters, spec_of(annotations.get("returns", found.return_annotation)))


def _method(function: Callable[..., Any]) -> Signature:
    found = signature_of(function)
    own = inspect.signature(function).parameters
    bound = next(iter(own.values())).kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return Signature(found.parameters[1:] if bound else found.parameters, found.returns)
