"""Values <-> bytes: a JSON tree and raw arrays. Nothing executable is ever encoded or decoded; there is no pickle.

A value is written as two byte strings: `head` (JSON) and `blob` (the arrays' buffers, little-endian, one after
another). Reading is strict, because what a worker sends is an attacker's data: unknown nodes, dtypes and records, and
trees that are too deep, too wide or too large are `Malformed`. Only records named in `allow` come to life.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from autograder import records
from autograder.arrays import DTYPES, as_array, name_of

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
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
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
        kind = type(value)
        if kind is str:
            return value if value.isascii() and len(value) <= MAX_TEXT else _plain(value[:MAX_TEXT])
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**63 else self.other(value, depth)
        if kind is float:
            return value if math.isfinite(value) else {"$f": repr(value)}
        if kind is list:
            return self.nodes_of(value, depth)
        if kind is tuple:
            return {"$t": self.nodes_of(value, depth)}
        if kind is dict:
            keys, nodes = [*value], self.nodes_of(value.values(), depth)
            if _names(keys):
                return dict(zip(keys, nodes, strict=True))
            return {"$d": [[*pair] for pair in zip(self.nodes_of(keys, depth), nodes, strict=True)]}
        if kind in TRUSTED:
            parts = {name: part for name, default in _parts(kind) if (part := getattr(value, name)) is not default}  # type: ignore[arg-type]
            return {"$r": [kind.__name__, dict(zip(parts, self.nodes_of(parts.values(), depth), strict=True))]}
        array = as_array(value)
        return self.other(value, depth) if array is None else self.array(array)

    def nodes_of(self, values: Collection[Any], depth: int) -> list[Any]:
        """The nodes of what a value at this depth is made of."""
        self.nodes += len(values)
        if depth >= MAX_DEPTH or self.nodes > MAX_NODES:
            raise Malformed("the value is nested too deeply or has too many parts")
        return [self.node(value, depth + 1) for value in values]

    def array(self, array: np.ndarray) -> Any:
        name, shape = name_of(array.dtype), list(array.shape)
        if self.offset + array.nbytes > MAX_BLOB:  # before it is copied
            raise Malformed(f"the value takes more than {MAX_BLOB:,} bytes")
        buffer = np.ascontiguousarray(array, dtype=DTYPES[name]).tobytes()
        node = {"$a": [name, shape, self.offset]}
        self.buffers.append(buffer)
        self.offset += len(buffer)
        return node

    def other(self, value: Any, depth: int) -> Any:
        if isinstance(value, list | tuple):  # a named tuple, or a list of the student's own making
            nodes = self.nodes_of(tuple(value), depth)
            return nodes if isinstance(value, list) else {"$t": nodes}
        if self.leaf is None:
            raise Malformed(f"a {type(value).__name__} cannot be sent: it is not data")
        return self.node(self.leaf(value), depth + 1)


def around(message: Mapping[str, Any], name: str, frame: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """`head` and `blob` of a message of names and numbers that has, as `name`, one more value, written already."""
    return f'{_WRITES.encode(message)[:-1]},"{name}":'.encode() + frame[0] + b"}", frame[1]


def may_hold(frame: tuple[bytes, bytes], record: type) -> bool:
    """Whether a value that was written may hold such a record. Looking for it in the value would take longer."""
    return b'"%s"' % record.__name__.encode() in frame[0]


def size_of(tree: Any) -> int:
    """About how many bytes a tree of data takes."""
    match tree:
        case np.ndarray():
            return tree.nbytes
        case list() | tuple():
            return 8 + sum(size_of(part) for part in tree)
        case dict():
            return size_of(list(tree.items()))
        case str():
            return len(tree)
    return 8


class _Reader:
    def __init__(self, blob: bytes, allow: Collection[type]):
        self.blob, self.allow, self.nodes, self.used = blob, allow, 0, 0

    def node(self, node: Any, depth: int) -> Any:
        kind = type(node)  # what JSON makes: no class of anybody's
        if kind is str and len(node) <= MAX_TEXT:
            return node if node.isascii() else _plain(node)
        if node is None or kind is bool or kind is float:
            return node
        if kind is int:
            if not -(2**63) <= node < 2**63:
                raise Malformed("an integer is too large")
            return node
        if kind is list:
            return self.values_of(node, depth)
        if kind is dict and len(node) == 1:
            ((tag, body),) = node.items()
            if tag[:1] == "$":
                return self.tagged(tag, body, depth)
        if kind is dict and _names(node):
            return dict(zip(node, self.values_of(node.values(), depth), strict=True))
        raise Malformed("an unknown node")

    def values_of(self, nodes: Collection[Any], depth: int) -> list[Any]:
        """The values of what a node at this depth is made of."""
        self.nodes += len(nodes)
        if depth >= MAX_DEPTH or self.nodes > MAX_NODES:
            raise Malformed("the tree is too large")
        return [self.node(node, depth + 1) for node in nodes]

    def tagged(self, tag: str, body: Any, depth: int) -> Any:
        if tag == "$a" and type(body) is list:
            return self.array(*body)
        if tag == "$t" and type(body) is list:
            return tuple(self.values_of(body, depth))
        if tag == "$r" and type(body) is list:
            return self.record(*body, depth=depth)
        if tag == "$d" and type(body) is list and all(type(pair) is list for pair in body):
            return dict(self.values_of(pair, depth) for pair in body)
        if tag == "$f" and body in ("nan", "inf", "-inf"):
            return float(body)
        if (tag == "$s" and type(body) is str) or (tag == "$l" and type(body) is list):
            return self.node(body, depth)  # as older sheets have it
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
            array = np.frombuffer(self.blob, np.uint8, size, offset).reshape(shape).astype(bool)
            array.flags.writeable = False
            return array
        return np.frombuffer(self.blob, dtype, size, offset).reshape(shape)

    def named(self, name: Any) -> type:
        for kind in self.allow:
            if kind.__name__ == name:
                return kind
        raise Malformed("an unknown record")

    def record(self, name: str, parts: dict[str, Any], *, depth: int) -> Any:
        record = self.named(name)
        values = dict(zip(parts, self.values_of(parts.values(), depth), strict=True))
        if record is records.Spy:
            values["function"] = _elsewhere
        made = record(**values)
        match made:
            case records.Handle(int(), str(), bool()) if type(made.ident) is not bool:
                return made
            case records.Handle():
                raise Malformed("a handle's parts")
            case records.Given(name) if not isinstance(name, str):
                raise Malformed("a helper's name")
        return made


def _names(keys: Collection[Any]) -> bool:
    """Whether these are names, as nearly all keys are: short, of ASCII, and none that could be a tag."""
    try:
        text = "".join(keys)
    except TypeError:
        return False
    return text.isascii() and "$" not in text and len(text) <= MAX_TEXT


def _plain(text: str) -> str:
    """Text without lone surrogates, which no file could hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(64)
def _parts(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of a record that travel, unless they are as they would be without."""
    return tuple((f.name, f.default) for f in fields(kind) if f.compare)


def _refuse(constant: str) -> Any:
    raise Malformed(f"{constant} is not JSON")


_WRITES = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
_READS = json.JSONDecoder(parse_constant=_refuse)


def _elsewhere(*args: Any) -> Any:
    raise RuntimeError("this function lives on the grader's side")
