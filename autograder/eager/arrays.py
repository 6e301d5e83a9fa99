"""JAX's arrays as NumPy's, and back."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from autograder.eager.keys import WORD
from autograder.eager.unknown import Unknown

MOST = 1 << 20  # elements of an array
DTYPES = frozenset(map(np.dtype, ("bool", "int8", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64")))
KEY = "key<fry>"

Array = np.ndarray[Any, Any]


def entered(value: Any, aval: Any) -> Array:
    """An argument or a constant as JAX takes it up, if JAX may compute it anywhere."""
    if getattr(value, "_committed", False):
        raise Unknown
    shape, dtype = shape_of(aval)
    array = getattr(value, "_npy_value", None)  # as `left` has put it there
    if array is None or array.dtype != dtype or value.is_deleted():
        array = np.asarray(_words(value) if is_key(aval) else value, dtype)
    if array.shape != shape:
        raise Unknown
    return array


def _words(key: Any) -> Any:
    import jax

    return jax.random.key_data(key)


def left(array: Array, aval: Any) -> Any:
    """An answer as JAX's array. It shares no memory with anything, since JAX may take it as it is. JAX would look at
    the sharding whenever NumPy's array is asked for, so it is told that one."""
    own = np.array(array, order="C", copy=True)
    if is_key(aval):
        import jax

        return jax.random.wrap_key_data(left(own, abstract(own.shape, own.dtype)))
    put, sharding, devices = place()
    made = put(aval, sharding, [own], devices, False)
    own.flags.writeable = False
    made._npy_value = own
    return made


def is_key(aval: Any) -> bool:
    """Whether these are keys of JAX's default generator, which are two words each here."""
    return not isinstance(aval.dtype, np.dtype) and str(aval.dtype) == KEY


@lru_cache(4096)
def shape_of(aval: Any) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype that an array of this kind has here, if it is not too large."""
    shape, dtype = ((*aval.shape, 2), np.dtype(WORD)) if is_key(aval) else (tuple(aval.shape), aval.dtype)
    if dtype not in DTYPES or any(type(n) is not int for n in shape) or np.prod(shape, dtype=float) > MOST:
        raise Unknown
    return shape, dtype


@lru_cache(4096)
def abstract(shape: tuple[int, ...], dtype: Any) -> Any:
    """What JAX calls an array of this shape and dtype."""
    from jax._src.core import ShapedArray

    return ShapedArray(shape, dtype)


@lru_cache(1)
def place() -> tuple[Any, Any, list[Any]]:
    """What makes arrays, and where: on the CPU. `Unknown` where JAX computes elsewhere."""
    import jax
    from jax._src.lib import xla_client  # type: ignore[attr-defined]

    (device,) = jax.devices()
    if device.platform != "cpu":
        raise Unknown
    return xla_client.batched_device_put, jax.sharding.SingleDeviceSharding(device), [device]


@lru_cache(1)
def _settings() -> Any:
    from jax._src import config

    return config.debug_nans, config.debug_infs, config.default_device


def watched() -> bool:
    """Whether JAX looks for NaN, or is told where to compute."""
    nans, infs, device = _settings()
    return bool(nans.value or infs.value or device.value is not None)
