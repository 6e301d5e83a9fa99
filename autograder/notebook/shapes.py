"""What a function takes and returns, in words. Students read it in the docstring: annotations would need jaxtyping."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from autograder.records import Spec
from autograder.signature import spec_of

_PLAIN: Mapping[str, str] = {"complex": "complex number", "key": "JAX random key", "text": "text", "any": ""}


def shapes_of(function: Callable[..., Any], *, method: bool = False) -> str:
    """The block `Arguments: ... Returns: ...` of a function, or nothing where its annotations say nothing."""
    takes, returns = _told(function, method)
    lines = []
    if any(text for _, text in takes):
        lines += ["Arguments:", *(f"    {name}: {text}" if text else f"    {name}" for name, text in takes)]
    if returns:
        lines += ["Returns:", f"    {returns}"]
    return "\n".join(lines)


def line_of(function: Callable[..., Any], *, method: bool = False) -> str:
    """The same on one line, for a method that has no docstring of its own."""
    takes, returns = _told(function, method)
    told = ", ".join(f"{name}: {text}" if text else name for name, text in takes)
    sentences = [f"Takes {told}."] if any(text for _, text in takes) else []
    return " ".join(sentences + ([f"Returns {returns}."] if returns else []))


def _told(function: Callable[..., Any], method: bool) -> tuple[list[tuple[str, str]], str]:
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())[1 if method else 0 :]
    takes = [(p.name, "" if p.annotation is p.empty else phrase(p.annotation)) for p in parameters]
    returns = "" if signature.return_annotation in (signature.empty, None) else phrase(signature.return_annotation)
    return takes, returns


def phrase(annotation: Any) -> str:
    """An annotation in words, such as `float array [n, d]`. Empty where it allows anything."""
    if isinstance(annotation, str):
        return annotation
    if annotation is None or annotation is type(None):
        return "None"
    spec = spec_of(annotation)
    if spec.kind == "function":
        return _function(annotation)
    if spec.kind == "tuple":
        return "tuple (" + ", ".join(phrase(a) for a in typing.get_args(annotation)) + ")"
    if spec.kind == "key":
        return _PLAIN["key"]
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union or origin is types.UnionType:
        return " or ".join(dict.fromkeys(phrase(a) for a in parts))
    if origin is typing.Literal:
        return " or ".join(repr(a) for a in parts)
    if spec.kind != "any" or spec.axes is not None:
        return _value(spec)
    if origin in (collections.abc.Sequence, collections.abc.Iterable, list) and parts:
        return f"{'list' if origin is list else 'sequence'} of {phrase(parts[0]) or 'anything'}"
    if annotation is Any:
        return ""
    return getattr(annotation, "__name__", str(annotation))


def _value(spec: Spec) -> str:
    word = _PLAIN.get(spec.kind, spec.kind)
    if spec.axes is None:
        return word
    if not spec.axes:
        return f"one {word or 'number'}"
    return f"{word} array [{', '.join(spec.axes)}]".strip()


def _function(annotation: Any) -> str:
    arguments, *returns = typing.get_args(annotation) or (...,)
    if arguments is ...:
        return "function"
    takes = ", ".join(phrase(a) or "anything" for a in arguments)
    gives = phrase(returns[0]) if returns else ""
    return f"function ({takes})" + (f" -> {gives}" if gives else "")
