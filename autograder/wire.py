"""Values <-> bytes: a JSON tree and raw arrays. Nothing executable is ever encoded or decoded; there is no pickle.

A value is written as two byte strings: `head` (JSON) and `blob` (the arrays' buffers, little-endian, one after
another). Reading is strict, because what a worker sends is an attacker's data: unknown nodes, dtypes and records, and
trees that are too deep, too wide or too large are `Malformed`. Only records named in `allow` come to life.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Collection
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from autograder import records

DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}
MAX_HEAD = 8 << 20
MAX_BLOB = 64 << 20
MAX_NODES = 50_000
MAX_DEPTH = 32
MAX_TEXT = 1 << 16
MAX_RANK = 16

Leaf = Callable[[Any], Any]

HOSTILE: frozenset[type] = frozenset({records.Handle, records.Given})
"""Records that a worker may send."""

TRUSTED: frozenset[type] = frozenset(
    {
        records.Call,
        records.Check,
        records.ExerciseSheet,
        records.Given,
        records.Handle,
        records.Key,
        records.Parameter,
        records.Raised,
        records.Sheet,
        records.Signature,
        records.Spec,
        records.Spy,
        records.Tolerance,
        records.Transform,
    }
)
"""Records of calls and sheets, written by the grader's side only."""


class Malformed(ValueError):
    """These bytes, or this value, are not something the wire carries."""


def encode(tree: Any, *, leaf: Leaf | None = None) -> tuple[bytes, bytes]:
    """`head` and `blob` of a value. `leaf` turns an object that is not data into a record (a handle)."""
    writer = _Writer(leaf)
    node = writer.node(tree, 0)
    head = _WRITES.encode(node).encode()
    blob = b"".join(writer.buffers)
    if len(head) > MAX_HEAD or len(blob) > MAX_BLOB:
        raise Malformed(f"the value takes {len(head) + len(blob):,} bytes, but should take at most {MAX_BLOB:,}")
    return head, blob


def decode(head: bytes, blob: bytes, *, allow: Collection[type] = HOSTILE) -> Any:
    """The value written in `head` and `blob`. Arrays are read-only views of `blob`."""
    if len(head) > MAX_HEAD or len(blob) > MAX_BLOB:
        raise Malformed("the frame is too large")
    try:
        return _Reader(blob, allow).node(_READS.decode(head.decode()), 0)
    except Malformed:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise Malformed(f"the frame is not well formed: {type(error).__name__}") from None


def to_text(tree: Any, *, indent: int | None = None) -> str:
    """The value as one JSON document, arrays in base64: how sheets are stored."""
    head, blob = encode(tree)
    document = {"tree": json.loads(head), "arrays": base64.b64encode(blob).decode()}
    return json.dumps(document, indent=indent, ensure_ascii=False)


def from_text(text: str) -> Any:
    """The value of `to_text`. For the course's own files only."""
    try:
        document = json.loads(text)
        head = json.dumps(document["tree"]).encode()
        blob = base64.b64decode(document["arrays"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Malformed(f"this is not a sheet: {error}") from None
    return decode(head, blob, allow=TRUSTED)


class _Writer:
    def __init__(self, leaf: Leaf | None):
        self.leaf, self.buffers, self.offset, self.nodes = leaf, list[bytes](), 0, 0

    def node(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise Malformed("the value is nested too deeply or has too many parts")
        kind = type(value)
        if kind is str:
            return {"$s": _plain(value[:MAX_TEXT])}
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**63 else self.other(value, depth)
        if kind is float:
            return value if math.isfinite(value) else {"$f": repr(value)}
        if kind is list or kind is tuple:
            return {"$l" if kind is list else "$t": [self.node(x, depth + 1) for x in value]}
        if kind is dict:
            return {"$d": [[self.node(k, depth + 1), self.node(v, depth + 1)] for k, v in value.items()]}
        if kind in TRUSTED:
            parts = {name: self.node(getattr(value, name), depth + 1) for name in _parts(kind)}  # type: ignore[arg-type]
            return {"$r": [kind.__name__, parts]}
        array = as_array(value)
        return self.other(value, depth) if array is None else self.array(array)

    def array(self, array: np.ndarray) -> Any:
        name, shape = _name(array.dtype), list(array.shape)
        if self.offset + array.nbytes > MAX_BLOB:  # before it is copied
            raise Malformed(f"the value takes more than {MAX_BLOB:,} bytes")
        buffer = np.ascontiguousarray(array, dtype=DTYPES[name]).tobytes()
        node = {"$a": [name, shape, self.offset]}
        self.buffers.append(buffer)
        self.offset += len(buffer)
        return node

    def other(self, value: Any, depth: int) -> Any:
        if isinstance(value, list | tuple):  # a named tuple, or a list of the student's own making
            return {"$l" if isinstance(value, list) else "$t": [self.node(x, depth + 1) for x in tuple(value)]}
        if self.leaf is None:
            raise Malformed(f"a {type(value).__name__} cannot be sent: it is not data")
        return self.node(self.leaf(value), depth + 1)


def as_array(value: Any) -> np.ndarray | None:
    """The plain array that a value of NumPy, JAX, TensorFlow, PyTorch or pandas holds, or None."""
    if isinstance(value, np.ndarray | np.generic | complex):
        array = np.asarray(value)
    elif type(value).__module__.partition(".")[0] in FRAMEWORKS and hasattr(value, "shape") and hasattr(value, "dtype"):
        detach = getattr(value, "detach", None)
        try:
            array = np.asarray(detach() if detach is not None else value)
        except Exception:  # keys, tracers, tensors elsewhere: not data
            return None
    else:
        return None
    if _name(array.dtype) == "bfloat16":
        array = array.astype(np.float32)
    return np.asarray(array) if _name(array.dtype) in DTYPES else None


FRAMEWORKS = frozenset({"jax", "jaxlib", "tensorflow", "keras", "torch", "pandas"})


class _Reader:
    def __init__(self, blob: bytes, allow: Collection[type]):
        self.blob, self.allow, self.nodes, self.used = blob, {c.__name__: c for c in allow}, 0, 0

    def node(self, node: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise Malformed("the tree is too large")
        kind = type(node)  # what JSON makes: no class of anybody's
        if kind is dict and len(node) == 1:
            ((tag, body),) = node.items()
            if tag == "$s" and type(body) is str and len(body) <= MAX_TEXT:
                return _plain(body)
            return self.tagged(tag, body, depth + 1)
        if node is None or kind is bool or kind is float:
            return node
        if kind is int:
            if not -(2**63) <= node < 2**63:
                raise Malformed("an integer is too large")
            return node
        raise Malformed("an unknown node")

    def tagged(self, tag: str, body: Any, depth: int) -> Any:
        match tag:
            case "$f" if body in ("nan", "inf", "-inf"):
                return float(body)
            case "$l" if isinstance(body, list):
                return [self.node(x, depth) for x in body]
            case "$t" if isinstance(body, list):
                return tuple(self.node(x, depth) for x in body)
            case "$d" if isinstance(body, list):
                return {self.node(k, depth): self.node(v, depth) for k, v in body}
            case "$a" if isinstance(body, list):
                return self.array(*body)
            case "$r" if isinstance(body, list):
                return self.record(*body, depth=depth)
        raise Malformed("an unknown node")

    def array(self, name: str, shape: list[int], offset: int) -> np.ndarray:
        dtype = DTYPES[name]
        if len(shape) > MAX_RANK or not all(type(s) is int and 0 <= s <= MAX_BLOB for s in shape):
            raise Malformed("an array's shape")
        size = math.prod(shape)
        self.used += size * dtype.itemsize
        if type(offset) is not int or self.used > MAX_BLOB or not 0 <= offset <= len(self.blob) - size * dtype.itemsize:
            raise Malformed("an array's extent")
        if dtype.kind == "b":  # any byte but 0 and 1 would be a boolean that equals neither
            return np.frombuffer(self.blob, np.uint8, size, offset).reshape(shape).astype(bool)
        return np.frombuffer(self.blob, dtype, size, offset).reshape(shape)

    def record(self, name: str, parts: dict[str, Any], *, depth: int) -> Any:
        record = self.allow[name]
        values = {k: self.node(v, depth) for k, v in parts.items()}
        if record is records.Handle and not (
            type(values["ident"]) is int and isinstance(values["type"], str) and isinstance(values["callable"], bool)
        ):
            raise Malformed("a handle's parts")
        if record is records.Given and not isinstance(values["name"], str):
            raise Malformed("a helper's name")
        if record is records.Spy:
            values["function"] = _elsewhere
        return record(**values)


def _plain(text: str) -> str:
    """Text without lone surrogates, which no file could hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(64)
def _name(dtype: Any) -> str:
    return str(dtype.name)


@lru_cache(64)
def _parts(kind: Any) -> tuple[str, ...]:
    """The fields of a record that travel."""
    return tuple(f.name for f in fields(kind) if f.compare)


def _refuse(constant: str) -> Any:
    raise Malformed(f"{constant} is not JSON")


_WRITES = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
_READS = json.JSONDecoder(parse_constant=_refuse)


def _elsewhere(*args: Any) -> Any:
    raise RuntimeError("this function lives on the grader's side")
