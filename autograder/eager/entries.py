"""`x[index]` and `x.at[index].set(y)` of JAX's arrays, where nothing has to be traced for them.

JAX makes several programs of an index, or a `gather` whose parameters take it half a millisecond to find. NumPy reads
and writes the same entries. What may mean something else there is left to JAX: indices out of bounds, above all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import numpy as np

from autograder.eager.arrays import DTYPES, MOST, abstract, entered, is_key, left, watched
from autograder.eager.steps import flushed

Array = np.ndarray[Any, Any]


def install() -> None:
    """From now on, in this process; another version of JAX reads and writes as it always did."""
    from jax._src.numpy import indexing
    from jax._src.ops import scatter

    theirs: Any = getattr(indexing, "rewriting_take", None)
    if theirs is not None and not hasattr(theirs, "__wrapped__"):
        indexing.rewriting_take = _first_tried(read, theirs)
    theirs = getattr(scatter, "_scatter_update", None)
    if theirs is not None and not hasattr(theirs, "__wrapped__"):
        scatter._scatter_update = _first_tried(written, theirs)


def _first_tried(ours: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    """JAX's function, with ours before it, which answers None where it should be JAX's."""
    from jax._src import array, core

    @wraps(theirs)
    def call(x: Any, *rest: Any, **options: Any) -> Any:
        found = None
        if (type(x) is array.ArrayImpl or _concrete(x)) and core.trace_state_clean() and not watched():
            with suppress(Exception):  # errors are JAX's own
                found = ours(x, *rest, **options)
        return theirs(x, *rest, **options) if found is None else found

    return call


def read(x: Any, index: Any, **options: Any) -> Any:
    """The entries of JAX's array at the index, as JAX's array; None if JAX should read them."""
    places = None if options else _in_bounds(x, index)
    if places is None:
        return None
    if is_key(x.aval):
        words = entered(x, x.aval)[(*places, slice(None))]
        return left(words, abstract(words.shape[:-1], x.aval.dtype))
    entries = np.asarray(x)[places]
    return None if entries.size > MOST else left(entries, abstract(entries.shape, entries.dtype))


def written(x: Any, index: Any, y: Any, change: Any, *rest: Any, **options: Any) -> Any:
    """JAX's array with other entries at the index; None if JAX should write them."""
    from jax._src.lax import slicing

    writers = {slicing.scatter: _put, slicing.scatter_add: np.add.at, slicing.scatter_mul: np.multiply.at}
    wishes = {name for name, wish in options.items() if wish and name not in ("mode", "normalize_indices")}
    if change not in writers or rest or wishes or options.get("mode") is not None or not options["normalize_indices"]:
        return None
    new = None if is_key(x.aval) else _alike(y, x.dtype)
    places = None if new is None else _in_bounds(x, index)
    if new is None or places is None:
        return None
    changed = np.array(x)
    try:
        new = np.broadcast_to(new, changed[places].shape)
    except ValueError:
        return None  # JAX says it in its own words
    if change is slicing.scatter:
        changed[places] = new
        return left(changed, x.aval)
    changed = flushed(changed)
    with np.errstate(all="ignore"):
        writers[change](changed, places, flushed(new))
    return left(flushed(changed), x.aval)


def _put(x: Array, places: tuple[Any, ...], new: Array) -> None:
    x[places] = new


def _alike(y: Any, dtype: Any) -> Array | None:
    """What is to be written, as an array of that dtype; None if JAX has rules for what it becomes."""
    if type(y) in (int, float, bool):
        kinds = {bool: "b", int: "if", float: "f"}
        return np.asarray(y, dtype) if dtype.kind in kinds[type(y)] and abs(y) < 1 << 30 else None
    if _concrete(y) and y.dtype == dtype:
        return np.asarray(y)
    return None


def _concrete(value: Any) -> bool:
    import jax

    return isinstance(value, np.ndarray) or (isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer))


def _in_bounds(x: Any, index: Any) -> tuple[Any, ...] | None:
    """The index as NumPy takes it; None if any of it may mean something else to JAX, or lies outside of the array."""
    import jax

    aval = x.aval
    if not (is_key(aval) or aval.dtype in DTYPES) or aval.weak_type or x.committed or x.size > MOST:
        return None
    shape, parts = aval.shape, index if type(index) is tuple else (index,)
    found, axis = [], 0
    for number, part in enumerate(parts):
        if part is Ellipsis:
            rest = [p for p in parts[number + 1 :] if p is not None]
            axis = len(shape) - len(rest)
            if axis < 0 or any(p is Ellipsis for p in rest):
                return None
        elif part is not None:
            if axis >= len(shape) or not _within(part, shape[axis]):
                return None
            axis += 1
        found.append(np.asarray(part) if isinstance(part, jax.Array) else part)
    return tuple(found)


def _within(part: Any, size: int) -> bool:
    """Whether this part of an index means the same to NumPy, and lies within an axis of this length."""
    if type(part) is slice:
        return all(p is None or type(p) is int for p in (part.start, part.stop, part.step)) and part.step != 0
    if type(part) is int or isinstance(part, np.integer):
        return bool(-size <= part < size)
    if not _concrete(part):
        return False
    places = np.asarray(part)
    if places.dtype == bool:
        return places.shape == (size,)
    return places.dtype.kind in "iu" and bool(((places >= -size) & (places < size)).all())
