"""The first difference between a built file and what it should say, in words. Empty where there is none.

Numbers of a sheet may differ in their last digits: another processor or JAX version rounds differently, and a sheet
that only does so is not stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from autograder.wire import Malformed, from_text

RTOL, ATOL = 1e-6, 1e-8


def notebook_difference(old: str, new: str) -> str:
    """The first cell, and in it the first line, where two notebooks differ."""
    try:
        was, now = json.loads(old), json.loads(new)
        pairs: list[tuple[Any, Any]] = list(zip_longest(was["cells"], now["cells"], fillvalue={}))
    except (ValueError, KeyError, TypeError, RecursionError):
        return "is no notebook, but should be"
    for number, (a, b) in enumerate(pairs, 1):
        if a != b and isinstance(a, dict):
            return f"cell {number} ({b.get('id') or a.get('id')}): {_cell_difference(a, b)}"
    return first_line(old, new)


def sheet_difference(old: str, new: str) -> str:
    """The first field where two sheets differ by more than rounding."""
    try:
        was = from_text(old)
    except (Malformed, RecursionError):
        return "is no sheet, but should be"
    return next(_differences(was, from_text(new), ""), "")


def first_line(old: str, new: str) -> str:
    """The first line where two texts differ."""
    for number, (a, b) in enumerate(zip_longest(old.split("\n"), new.split("\n")), 1):
        if a != b:
            return f"line {number} is {_short(a)}, but should be {_short(b)}"
    return ""


def _cell_difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    if not b:
        return "should not be there"
    if not a:
        return "is missing"
    if a.get("source") != b.get("source") and isinstance(a.get("source"), list):
        return first_line("".join(map(str, a["source"])), "".join(b["source"]))
    key = next(k for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k))
    return f"{key} is {_short(a.get(key))}, but should be {_short(b.get(key))}"


def _differences(a: Any, b: Any, place: str) -> Iterator[str]:
    if isinstance(a, float | np.ndarray) and type(a) is type(b):
        if not _alike(np.asarray(a), np.asarray(b)):
            yield f"{place or 'the sheet'} holds other numbers than it should"
    elif type(a) is not type(b):
        yield f"{place or 'the sheet'} is {_short(a)}, but should be {_short(b)}"
    elif is_dataclass(a):
        for f in fields(a):
            label = getattr(a, "name", None) or getattr(a, "label", None)
            yield from _differences(getattr(a, f.name), getattr(b, f.name), _at(place, f.name, label))
    elif isinstance(a, Mapping):
        for key in dict.fromkeys([*b, *a]):
            if key not in a or key not in b:
                yield f"{place} {'lacks' if key in b else 'has the extra'} {_short(key)}"
            else:
                yield from _differences(a[key], b[key], _at(place, key))
    elif isinstance(a, list | tuple):
        for number, (x, y) in enumerate(zip(a, b, strict=False)):
            yield from _differences(x, y, _at(place, getattr(y, "name", None) or getattr(y, "label", None) or number))
        if len(a) != len(b):
            yield f"{place} has {len(a)} parts, but should have {len(b)}"
    elif a != b:
        yield f"{place} is {_short(a)}, but should be {_short(b)}"


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind in "fc":
        return bool(np.allclose(a, b, rtol=RTOL, atol=ATOL, equal_nan=True))
    return bool(np.array_equal(a, b))


def _at(place: str, *names: Any) -> str:
    last = str(next(n for n in names if n is not None))
    return f"{place} > {last}" if place else last


def _short(value: Any) -> str:
    text = repr(value)
    return "nothing" if value is None else text if len(text) <= 80 else text[:77] + "..."
