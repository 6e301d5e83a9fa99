"""Random numbers of JAX's default generator, Threefry-2x32, in NumPy: the same bits.

The generator is that of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), with 20 rounds. A key is
two 32-bit words, the last axis of an array here. JAX draws the number at place i from the block of count i, and a new
key in the same way (`jax_threefry_partitionable`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from autograder.eager.unknown import Step, Unknown

Array = np.ndarray[Any, Any]
WORD = np.uint32
PARITY = WORD(0x1BD11BDA)
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
ROUNDS = 5  # of four rotations each


def threefry(k0: Array, k1: Array, x0: Array, x1: Array) -> tuple[Array, Array]:
    """The two words (uint32, any shape) into which the key (k0, k1) turns the counts (x0, x1)."""
    keys = (k0, k1, k0 ^ k1 ^ PARITY)
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for i in range(ROUNDS):
        for r in ROTATIONS[i % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << WORD(r)) | (x1 >> WORD(32 - r)))
        x0, x1 = x0 + keys[(i + 1) % 3], x1 + keys[(i + 2) % 3] + WORD(i + 1)
    return x0, x1


def _blocks(key: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Two words for each place of an array of this shape."""
    from jax._src import config

    if key.shape != (2,) or not config.threefry_partitionable.value:
        raise Unknown
    return threefry(key[0], key[1], *counts({"shape": shape}))


def counts(params: Mapping[str, Any]) -> Any:
    """The place of each entry of an array of this shape, as a high and a low word."""
    shape = tuple(params["shape"])
    if prod(shape) >= 1 << 32:
        raise Unknown
    low = np.arange(prod(shape), dtype=WORD).reshape(shape)
    return np.zeros_like(low), low


def seed(params: Mapping[str, Any], seeds: Array) -> Any:
    if seeds.ndim or seeds.dtype.kind not in "iu":
        raise Unknown
    number = int(seeds) % (1 << 8 * seeds.dtype.itemsize)
    return np.array([number >> 32, number & 0xFFFFFFFF], WORD)


def split(params: Mapping[str, Any], key: Array) -> Any:
    return np.stack(_blocks(key, tuple(params["shape"])), -1)


def bits(params: Mapping[str, Any], key: Array) -> Any:
    if params["bit_width"] != 32:
        raise Unknown
    first, second = _blocks(key, tuple(params["shape"]))
    return first ^ second


def fold_in(params: Mapping[str, Any], key: Array, data: Array) -> Any:
    if key.shape != (2,) or data.ndim or data.dtype != WORD:
        raise Unknown
    return np.stack(threefry(key[0], key[1], np.zeros_like(data), data), -1)


def same(params: Mapping[str, Any], key: Array) -> Any:
    return key


KEYS: dict[str, Step] = {
    "random_seed": seed,
    "random_split": split,
    "random_bits": bits,
    "random_fold_in": fold_in,
    "iota_2x32_shape": counts,
    "random_wrap": same,
    "random_unwrap": same,
    "threefry2x32": lambda params, *words: threefry(*words),
}
