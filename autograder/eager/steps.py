"""What each step of a small JAX program computes, in NumPy: name of a primitive -> function of (parameters, *arrays).

Each means what `jax.lax` documents for its name. Whatever is not certain to come out the same raises `Unknown`, as does
a parameter that is not understood; then the program is compiled. Sums are taken in another order than XLA's, and
`exp` and its like may differ in the last digit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from math import prod
from typing import Any

import numpy as np
from scipy import special

from autograder.eager.unknown import Step, Unknown

Array = np.ndarray[Any, Any]
MOST_FACTORS = 8
LEAST = 1e-30  # of numbers that are certainly normal
TINY: Mapping[Any, Any] = {
    np.dtype(number): (np.dtype(word), *(np.array(n, word) for n in (1, (2 << digits) - 1)))
    for number, word, digits in ((np.float32, np.uint32, 23), (np.float64, np.uint64, 52))
}
"""How numbers that are too small to be normal are found: as words, by a one and by the largest such word, doubled."""
AWAY_FROM_ZERO, NEAREST_EVEN = 0, 1  # lax.RoundingMethod


def floats(function: Callable[..., Any]) -> Step:
    """A function of floating-point numbers alone: for integers, XLA has rules of its own."""

    def step(params: Mapping[str, Any], *arrays: Array) -> Any:
        if params.get("accuracy") is not None or any(a.dtype.kind != "f" for a in arrays):
            raise Unknown
        return function(*arrays)

    return step


def plain(function: Callable[..., Any]) -> Step:
    return lambda params, *arrays: function(*arrays)


def logical(on_bools: Callable[..., Any], on_integers: Callable[..., Any]) -> Step:
    return lambda params, *arrays: (on_bools if arrays[0].dtype == bool else on_integers)(*arrays)


def folded(function: Any) -> Step:
    """A reduction; of integers, in their own width."""
    return lambda params, a: function(a, axis=params["axes"], dtype=a.dtype)


def running(function: Any) -> Step:
    def step(params: Mapping[str, Any], a: Array) -> Any:
        axis = params["axis"]
        a = np.flip(a, axis) if params["reverse"] else a
        done = function.accumulate(a, axis=axis, dtype=a.dtype)
        return np.flip(done, axis) if params["reverse"] else done

    return step


def place_of(function: Any) -> Step:
    def step(params: Mapping[str, Any], a: Array) -> Any:
        (axis,) = params["axes"]
        return function(a, axis=axis).astype(params["index_dtype"])

    return step


def divided(params: Mapping[str, Any], a: Array, b: Array) -> Any:
    """Quotients; of integers, towards zero."""
    return np.divide(a, b) if a.dtype.kind == "f" else (a - remainder(params, a, b)) // b


def remainder(params: Mapping[str, Any], a: Array, b: Array) -> Any:
    if a.dtype.kind != "f" and ((b == 0) | (b == -1)).any():
        raise Unknown  # what is no number here is one in XLA
    return np.fmod(a, b)


def shifted(function: Callable[..., Any], *, signed: bool) -> Step:
    """A shift, by which what goes beyond the number's bits is lost."""

    def step(params: Mapping[str, Any], a: Array, by: Array) -> Any:
        bits = 8 * a.dtype.itemsize
        if a.dtype.kind not in "iu" or (signed and a.dtype.kind != "i") or (by < 0).any():
            raise Unknown
        words = a if signed else a.view(f"u{a.dtype.itemsize}")
        by = by.astype(words.dtype)
        if signed:
            return function(words, np.minimum(by, bits - 1))
        return np.where(by < bits, function(words, np.minimum(by, bits - 1)), 0).astype(words.dtype).view(a.dtype)

    return step


def same_bits(params: Mapping[str, Any], a: Array) -> Any:
    new = np.dtype(params["new_dtype"])
    if new.itemsize != a.dtype.itemsize:
        raise Unknown
    return np.ascontiguousarray(a).view(new).reshape(a.shape)


def integer_pow(params: Mapping[str, Any], a: Array) -> Any:
    y = params["y"]
    if not 0 < abs(y) <= MOST_FACTORS or (y < 0 and a.dtype.kind != "f"):
        raise Unknown
    product = reduce(operator.mul, [a] * abs(y))
    return product if y > 0 else np.divide(np.asarray(1, a.dtype), product)


def rounded(params: Mapping[str, Any], a: Array) -> Any:
    match int(params["rounding_method"]):
        case method if method == NEAREST_EVEN:
            return np.rint(a)
        case method if method == AWAY_FROM_ZERO:
            whole = np.trunc(a)
            return np.where(np.abs(a - whole) >= 0.5, whole + np.sign(a), whole).astype(a.dtype)
    raise Unknown


def nextafter(params: Mapping[str, Any], a: Array, b: Array) -> Any:
    """The number beside `a`, towards `b`; the one beside zero is too small."""
    if (a == 0).any():
        raise Unknown
    return np.nextafter(a, b)


def in_total_order(function: Callable[..., Any]) -> Step:
    """A comparison in which minus zero is less than zero, and NaN is the largest number, or the least."""

    def step(params: Mapping[str, Any], *arrays: Array) -> Any:
        if any(a.dtype.kind != "f" for a in arrays):
            return function(*arrays)
        words = [a.view(f"i{a.dtype.itemsize}") for a in arrays]
        return function(*(w ^ ((w >> (8 * w.dtype.itemsize - 1)) & np.iinfo(w.dtype).max) for w in words))

    return step


def platform(params: Mapping[str, Any]) -> Any:
    """Which of several ways of computing something is the CPU's."""
    fits = [names is None or "cpu" in names for names in params["platforms"]]
    return np.int32(fits.index(True))


def select(params: Mapping[str, Any], which: Array, *cases: Array) -> Any:
    if which.dtype == bool:
        return np.where(which, cases[-1], cases[0])
    if (which < 0).any() or (which >= len(cases)).any():
        raise Unknown
    chosen = cases[0]
    for i, case in enumerate(cases):
        chosen = np.where(which == i, case, chosen)
    return chosen


def convert(params: Mapping[str, Any], a: Array) -> Any:
    new = np.dtype(params["new_dtype"])
    if new.kind in "iu" and a.dtype.kind == "f":
        least, most = np.iinfo(new).min, np.iinfo(new).max
        if not (np.isfinite(a).all() and (a > least).all() and (a < most).all()):
            raise Unknown
    return a.astype(new)


def dot_general(params: Mapping[str, Any], a: Array, b: Array) -> Any:
    wanted = params["preferred_element_type"]
    if a.dtype != b.dtype or (wanted is not None and np.dtype(wanted) != a.dtype) or a.dtype == bool:
        raise Unknown
    (axes_a, shape_a), (axes_b, shape_b), shape = _as_matrices(params["dimension_numbers"], a.shape, b.shape)
    return np.matmul(a.transpose(axes_a).reshape(shape_a), b.transpose(axes_b).reshape(shape_b)).reshape(shape)


@lru_cache(4096)
def _as_matrices(numbers: Any, a: tuple[int, ...], b: tuple[int, ...]) -> Any:
    """How arrays of these shapes become stacks of matrices whose product is JAX's: the order of their axes and a shape
    for each, and the product's own shape."""
    (over_a, over_b), (batch_a, batch_b) = numbers
    free_a = [i for i in range(len(a)) if i not in (*over_a, *batch_a)]
    free_b = [i for i in range(len(b)) if i not in (*over_b, *batch_b)]
    batch, n, m = [a[i] for i in batch_a], [a[i] for i in free_a], [b[i] for i in free_b]
    inner = prod(a[i] for i in over_a)
    left = (*batch_a, *free_a, *over_a), (*batch, prod(n), inner)
    right = (*batch_b, *over_b, *free_b), (*batch, inner, prod(m))
    return left, right, (*batch, *n, *m)


def flushed(array: Array) -> Array:
    """The array with zeros for what is too small to be a normal number, where there is any."""
    kind = array.dtype
    if kind not in TINY:
        return array
    if not array.ndim and ((number := array.item()) == 0 or abs(number) > LEAST):
        return array
    word, one, most = TINY[kind]
    words = array.view(word)
    tiny = np.less(np.subtract(np.left_shift(words, one), one), most)  # no sign; zero becomes the largest number
    return np.where(tiny, np.copysign(np.zeros((), kind), array), array) if np.count_nonzero(tiny) else array


def sort(params: Mapping[str, Any], *arrays: Array) -> Any:
    axis, keys = params["dimension"], params["num_keys"]
    if keys != 1:
        raise Unknown
    order = np.argsort(flushed(arrays[0]), axis=axis, kind="stable")
    return [np.take_along_axis(a, order, axis) for a in arrays]


STEPS: dict[str, Step] = {
    **{name: plain(getattr(np, name)) for name in ("add", "maximum", "minimum")},
    "add_any": plain(np.add),
    "sub": plain(np.subtract),
    "mul": plain(np.multiply),
    "max": plain(np.maximum),
    "min": plain(np.minimum),
    "div": divided,
    "rem": remainder,
    "pow": floats(np.power),
    "atan2": floats(np.arctan2),
    "neg": plain(np.negative),
    "abs": plain(np.abs),
    "square": plain(np.square),
    "sign": plain(np.sign),
    "floor": floats(np.floor),
    "ceil": floats(np.ceil),
    "round": rounded,
    "nextafter": nextafter,
    "is_finite": floats(np.isfinite),
    **{name: floats(getattr(np, name)) for name in ("exp", "exp2", "log", "log1p", "expm1", "sqrt", "cbrt")},
    **{name: floats(getattr(np, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"a{name}": floats(getattr(np, f"arc{name}")) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "rsqrt": floats(lambda a: np.divide(np.asarray(1, a.dtype), np.sqrt(a))),
    "logistic": floats(lambda a: np.divide(np.asarray(1, a.dtype), 1 + np.exp(-a))),
    **{name: floats(getattr(special, of)) for name, of in (("erf", "erf"), ("erfc", "erfc"), ("erf_inv", "erfinv"))},
    "integer_pow": integer_pow,
    "shift_left": shifted(np.left_shift, signed=False),
    "shift_right_logical": shifted(np.right_shift, signed=False),
    "shift_right_arithmetic": shifted(np.right_shift, signed=True),
    "bitcast_convert_type": same_bits,
    "and": logical(np.logical_and, np.bitwise_and),
    "or": logical(np.logical_or, np.bitwise_or),
    "xor": logical(np.logical_xor, np.bitwise_xor),
    "not": logical(np.logical_not, np.invert),
    "eq": plain(np.equal),
    "ne": plain(np.not_equal),
    "lt": plain(np.less),
    "le": plain(np.less_equal),
    "gt": plain(np.greater),
    "ge": plain(np.greater_equal),
    "lt_to": in_total_order(np.less),
    "le_to": in_total_order(np.less_equal),
    "clamp": plain(lambda least, a, most: np.minimum(np.maximum(a, least), most)),
    "select_n": select,
    "convert_element_type": convert,
    "copy": plain(np.array),
    "copy_p": plain(np.array),
    "stop_gradient": plain(np.asarray),
    "reduce_sum": folded(np.sum),
    "reduce_prod": folded(np.prod),
    "reduce_max": lambda params, a: np.max(a, axis=params["axes"]),
    "reduce_min": lambda params, a: np.min(a, axis=params["axes"]),
    "reduce_and": lambda params, a: np.all(a, axis=params["axes"]),
    "reduce_or": lambda params, a: np.any(a, axis=params["axes"]),
    "argmax": place_of(np.argmax),
    "argmin": place_of(np.argmin),
    "cumsum": running(np.add),
    "cumprod": running(np.multiply),
    "cummax": running(np.maximum),
    "cummin": running(np.minimum),
    "dot_general": dot_general,
    "sort": sort,
    "platform_index": platform,
}
