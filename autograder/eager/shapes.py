"""Steps that move numbers and change shapes, in NumPy. Parameters are those of `jax.lax`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograder.eager.unknown import Step, Unknown

Array = np.ndarray[Any, Any]


def broadcast(params: Mapping[str, Any], a: Array, *rest: Array) -> Any:
    shape, places = params["shape"], params["broadcast_dimensions"]
    if rest:
        raise Unknown
    between = [1] * len(shape)
    for axis, place in enumerate(places):
        between[place] = a.shape[axis]
    return np.broadcast_to(a.reshape(between), shape)


def reshape(params: Mapping[str, Any], a: Array, *rest: Array) -> Any:
    if rest or params["dimensions"] is not None:
        raise Unknown
    return a.reshape(params["new_sizes"])


def pad(params: Mapping[str, Any], a: Array, value: Array) -> Any:
    config = params["padding_config"]
    if any(low < 0 or high < 0 for low, high, _ in config):
        raise Unknown
    inner = [n + max(n - 1, 0) * between for n, (_, _, between) in zip(a.shape, config, strict=True)]
    padded = np.full([low + n + high for n, (low, high, _) in zip(inner, config, strict=True)], value, a.dtype)
    where = (slice(low, low + n, between + 1) for n, (low, _, between) in zip(inner, config, strict=True))
    padded[tuple(where)] = a
    return padded


def cut(params: Mapping[str, Any], a: Array) -> Any:
    strides = params["strides"] or [1] * a.ndim
    return a[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]


def _window(shape: tuple[int, ...], starts: tuple[Array, ...], sizes: tuple[int, ...]) -> tuple[slice, ...]:
    """The part that begins at `starts`, moved to where it fits."""
    begins = [min(max(int(start), 0), n - size) for start, n, size in zip(starts, shape, sizes, strict=True)]
    return tuple(slice(begin, begin + size) for begin, size in zip(begins, sizes, strict=True))


def dynamic_slice(params: Mapping[str, Any], a: Array, *starts: Array) -> Any:
    return a[_window(a.shape, starts, params["slice_sizes"])]


def dynamic_update_slice(params: Mapping[str, Any], a: Array, new: Array, *starts: Array) -> Any:
    changed = a.copy()
    changed[_window(a.shape, starts, new.shape)] = new
    return changed


def iota(params: Mapping[str, Any]) -> Any:
    shape, dimension = params["shape"], params["dimension"]
    counted = np.arange(shape[dimension]).astype(params["dtype"])
    return np.broadcast_to(counted.reshape([-1 if i == dimension else 1 for i in range(len(shape))]), shape)


def split(params: Mapping[str, Any], a: Array) -> Any:
    return np.split(a, np.cumsum(params["sizes"])[:-1], axis=params["axis"])


SHAPES: dict[str, Step] = {
    "broadcast_in_dim": broadcast,
    "reshape": reshape,
    "squeeze": lambda params, a: np.squeeze(a, tuple(params["dimensions"])),
    "transpose": lambda params, a: a.transpose(params["permutation"]),
    "rev": lambda params, a: np.flip(a, params["dimensions"]),
    "concatenate": lambda params, *arrays: np.concatenate(arrays, params["dimension"]),
    "pad": pad,
    "slice": cut,
    "split": split,
    "stack": lambda params, *arrays: np.stack(arrays, params["axis"]),
    "unstack": lambda params, a: list(np.moveaxis(a, params["axis"], 0)),
    "tile": lambda params, a: np.tile(a, params["reps"]),
    "dynamic_slice": dynamic_slice,
    "dynamic_update_slice": dynamic_update_slice,
    "iota": iota,
}
