"""The plain array that a value of some library holds, if it is one whose numbers travel."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}

FRAMEWORKS = frozenset({"jax", "jaxlib", "tensorflow", "keras", "torch", "pandas"})


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
    if name_of(array.dtype) == "bfloat16":
        array = array.astype(np.float32)
    return np.asarray(array) if name_of(array.dtype) in DTYPES else None


@lru_cache(64)
def name_of(dtype: Any) -> str:
    """What NumPy calls a dtype, looked up once."""
    return str(dtype.name)
