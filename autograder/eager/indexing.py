"""`gather` and `scatter`, by which JAX reads and changes an array at indices, in NumPy.

Their parameters are those of `jax.lax.GatherDimensionNumbers` and `ScatterDimensionNumbers`: each index vector gives
the place of a window of the operand; the windows' axes and the indices' axes share those of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.eager.unknown import Step, Unknown

Array = np.ndarray[Any, Any]


def gather(params: Mapping[str, Any], a: Array, indices: Array) -> Any:
    numbers, sizes = params["dimension_numbers"], tuple(params["slice_sizes"])
    batching = dict(zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True))
    places, inside = _places(a.shape, indices, numbers.start_index_map, batching, sizes, params["mode"])
    windows = a[places]
    if inside is not None:
        fill = np.asarray(_outside(a.dtype) if params["fill_value"] is None else params["fill_value"]).astype(a.dtype)
        windows = np.where(inside.reshape(*inside.shape, *[1] * a.ndim), windows, fill)
    kept = np.squeeze(windows, tuple(indices.ndim - 1 + i for i in (*numbers.collapsed_slice_dims, *batching)))
    return np.moveaxis(kept, range(indices.ndim - 1, kept.ndim), numbers.offset_dims)


def _outside(dtype: Any) -> Any:
    """What an array has where there is none of it."""
    match dtype.kind:
        case "f":
            return np.nan
        case "b":
            return True
    return np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max


def scatter(change: Callable[[Array, tuple[Array, ...], Array], None]) -> Step:
    """A scatter that changes the array at the places by the updates, in place."""

    def step(params: Mapping[str, Any], a: Array, indices: Array, updates: Array) -> Any:
        numbers = params["dimension_numbers"]
        batching = dict(zip(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True))
        between = list(numbers.update_window_dims)
        sizes = [updates.shape[i] for i in between]
        for axis in sorted((*numbers.inserted_window_dims, *batching)):
            sizes.insert(axis, 1)
        where = numbers.scatter_dims_to_operand_dims
        places, inside = _places(a.shape, indices, where, batching, tuple(sizes), params["mode"])
        moved = np.moveaxis(updates, between, range(updates.ndim - len(between), updates.ndim))
        moved = moved.reshape(*indices.shape[:-1], *sizes)
        if inside is not None:  # what lies outside is dropped
            places = tuple(np.broadcast_to(p, moved.shape)[inside] for p in places)
            moved = moved[inside]
        changed = a.copy()
        change(changed, places, moved)
        return changed

    return step


def _places(
    shape: tuple[int, ...],
    indices: Array,
    dims: Sequence[int],
    batching: Mapping[int, int],
    sizes: tuple[int, ...],
    mode: Any,
) -> tuple[tuple[Array, ...], Array | None]:
    """For each axis of the operand where the windows lie, as index arrays with the axes (*indices, *windows); and which
    windows lie inside, if those outside are not to be read or written and there are any.

    `batching` are axes of the operand along which windows lie where their indices do, along an axis of those.
    """
    last = indices.astype(np.int64)
    most = np.array([shape[d] - sizes[d] for d in dims], np.int64)
    inside: Array = np.asarray(((last >= 0) & (last <= most)).all(-1))
    dropped: Array | None = None
    if not inside.all():
        match mode.name:
            case "FILL_OR_DROP":
                dropped = inside
            case "CLIP":
                pass
            case _:
                raise Unknown
        last = np.clip(last, 0, most)
    batch, rank = indices.ndim - 1, len(shape)
    found = []
    for axis, size in enumerate(sizes):
        start = np.zeros([1] * (batch + rank), np.int64)
        if axis in dims:
            start = last[..., list(dims).index(axis)].reshape(*indices.shape[:-1], *[1] * rank)
        elif axis in batching:
            start = _along(np.arange(indices.shape[batching[axis]]), batching[axis], batch + rank)
        found.append(start + _along(np.arange(size), batch + axis, batch + rank))
    return tuple(found), dropped


def _along(numbers: Array, axis: int, rank: int) -> Array:
    return numbers.reshape([-1 if i == axis else 1 for i in range(rank)])


def put(a: Array, places: tuple[Array, ...], new: Array) -> None:
    a[places] = new


INDEXING: dict[str, Step] = {
    "gather": gather,
    "scatter": scatter(put),
    "scatter-add": scatter(np.add.at),
    "scatter-mul": scatter(np.multiply.at),
    "scatter-max": scatter(np.maximum.at),
    "scatter-min": scatter(np.minimum.at),
}
