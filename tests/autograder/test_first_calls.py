"""Programs computed by NumPy before they are compiled: the numbers are XLA's, and the same ones at every call."""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as arrays
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax._src import pjit
from jax._src.numpy import indexing
from jax._src.ops import scatter

from autograder.eager import arrays as arrays_here
from autograder.eager import first_calls, keys, loops
from autograder.eager.unknown import Unknown

LIBRARY = os.path.dirname(jax.__file__) + os.sep
A = np.array([[0.5, -2.0, 3.0, 1e-42], [np.inf, 1.0, -0.0, 7.25], [np.nan, 100.0, -1e30, 2.0]], np.float32)
B = np.linspace(0.1, 2.0, 12, dtype=np.float32).reshape(3, 4)
SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]], np.float32)
WHOLE = np.array([[3, -4, 0], [7, 2, -1]], np.int32)
KEY = jax.random.key(3)
KEYS = jax.random.split(KEY, 3)

I, J = np.array([2, 0, -1]), np.array([[0, 3, 1]])
ENTRIES: list[Any] = [
    0,
    np.int64(-1),
    (1, 2),
    (..., 1),
    (None, 1, None),
    (slice(None, None, -2), 3),
    (slice(5, 1), None),
    (slice(-2, None), slice(1, 9)),
    I,
    (I, 1),
    (I, J),
    (slice(None), J),
    (None, I),
    (..., J),
    (I[:, None], slice(1, 3)),
    jnp.asarray(I),
    jnp.asarray(1),
    (1, jnp.asarray(J)),
    (np.zeros(0, int),),
    np.array([True, False, True]),
    (np.array([True, False, True]), 1),
    (1, jnp.asarray([True, False, True, True])),
    (),
]
"""Indices that mean the same to NumPy."""

UFUNCS = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "sqrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "abs",
    "sign",
    "floor",
    "ceil",
    "rint",
    "negative",
    "isnan",
    "isinf",
    "isfinite",
    "logical_not",
    "positive",
    "cbrt",
    "sum",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "prod",
    "any",
    "all",
    "argmax",
    "argmin",
    "cumsum",
    "cumprod",
    "nanmax",
    "nansum",
    "sort",
    "argsort",
    "median",
    "transpose",
    "ravel",
    "flip",
    "diff",
    "trace",
    "ptp",
    "zeros_like",
    "ones_like",
    "atleast_3d",
    "count_nonzero",
]
CASES: dict[str, Callable[[], Any]] = {
    **{
        f"{name} of {which}": (lambda f=getattr(jnp, name), a=a: f(a))
        for name in UFUNCS
        for which, a in (("A", A), ("B", B))
    },
    **{
        f"{name} along {axis}": (lambda f=getattr(jnp, name), axis=axis: f(B, axis=axis))
        for name in [
            "sum",
            "mean",
            "var",
            "std",
            "max",
            "min",
            "prod",
            "argmax",
            "argmin",
            "cumsum",
            "sort",
            "argsort",
            "median",
            "any",
            "flip",
        ]
        for axis in (0, 1, -1)
    },
    **{
        f"{name} of two": (lambda f=getattr(jnp, name): (f(A, B), f(B, B[0]), f(WHOLE, 2), f(2.5, B)))
        for name in [
            "add",
            "subtract",
            "multiply",
            "maximum",
            "minimum",
            "equal",
            "less",
            "greater_equal",
            "not_equal",
            "power",
            "arctan2",
        ]
    },
    "quotients": lambda: (
        jnp.asarray(B) / 3,
        1 / jnp.asarray(A),
        jnp.asarray(WHOLE) / 2,
        jnp.asarray(WHOLE) // 2,
        jnp.asarray(WHOLE) % 3,
        jnp.mod(B, 0.3),
        jnp.floor_divide(B, 0.3),
    ),
    "powers": lambda: (
        jnp.asarray(B) ** 2,
        jnp.asarray(B) ** 3,
        jnp.asarray(B) ** -1,
        jnp.asarray(B) ** 0.5,
        2.0 ** jnp.asarray(B),
    ),
    "bits": lambda: (
        WHOLE & jnp.int32(6),
        jnp.bitwise_xor(WHOLE, 5),
        ~jnp.asarray(WHOLE),
        jnp.asarray(WHOLE) << 3,
        jnp.asarray(WHOLE) >> 1,
    ),
    "indices": lambda: [
        jnp.asarray(B)[i]
        for i in (
            1,
            -1,
            (0, 2),
            slice(0, 2),
            (slice(None), 1),
            (slice(None, None, -1),),
            None,
            ...,
            np.array([2, 0, 0]),
            (np.array([0, 1]), np.array([3, 2])),
            (slice(None), np.array([[0, 1]])),
            7,
            -9,
        )
    ],
    "masks": lambda: (jnp.where(B > 1, B, 0.0), jnp.asarray(B)[B > 1], jnp.select([B > 1, B > 0.5], [B, -B])),
    "out of bounds": lambda: (
        jnp.asarray(B).at[np.array([5, 1])].get(mode="fill", fill_value=np.nan),
        jnp.take(B, np.array([9, 1]), axis=0),
        jnp.take(B, np.array([9, 1]), axis=0, mode="clip"),
    ),
    "changes": lambda: (
        jnp.asarray(B).at[1].set(5.0),
        jnp.asarray(B).at[:, 2].add(1.0),
        jnp.asarray(B).at[np.array([0, 0, 2])].add(1.0),
        jnp.asarray(B).at[0, 9].set(1.0),
        jnp.asarray(B).at[np.array([0, 2]), np.array([1, 3])].multiply(2.0),
    ),
    "shapes": lambda: (
        jnp.reshape(B, (4, 3)),
        jnp.asarray(B)[:, None] - B[None],
        jnp.squeeze(jnp.asarray(B)[:1]),
        jnp.broadcast_to(jnp.asarray(B)[0], (5, 4)),
        jnp.moveaxis(jnp.asarray(B)[None], 0, 2),
        jnp.expand_dims(jnp.asarray(B), 1),
    ),
    "joined": lambda: (
        jnp.concatenate([B, A]),
        jnp.stack([B, A], 1),
        jnp.hstack([B, A]),
        jnp.tile(B, (2, 1)),
        jnp.repeat(B, 2, axis=1),
        jnp.pad(B, ((1, 0), (0, 2))),
        jnp.split(B, 2, axis=1),
        jnp.append(B[0], 1.0),
    ),
    "made": lambda: (
        jnp.eye(3),
        jnp.arange(5),
        jnp.arange(0, 1, 0.25),
        jnp.linspace(0, 1, 7),
        jnp.zeros((2, 0)),
        jnp.full((2, 2), 3),
        jnp.tri(3),
        jnp.triu(SQUARE),
        jnp.diag(SQUARE),
        jnp.diag(B[0]),
        jnp.meshgrid(B[0], B[1]),
    ),
    "products": lambda: (
        jnp.asarray(B) @ B.T,
        jnp.dot(B[0], B[1]),
        jnp.einsum("ij,kj->ik", B, B),
        jnp.einsum("bij,bjk->bik", B[None], B.T[None]),
        jnp.outer(B[0], B[1]),
        jnp.tensordot(B, B, ([0], [0])),
        jnp.vdot(B, B),
        jnp.asarray(WHOLE) @ WHOLE.T,
        jnp.inner(B, B),
        jnp.kron(SQUARE, SQUARE),
        jnp.asarray(B[:, :0]) @ B[:0],
    ),
    "norms": lambda: (
        jnp.linalg.norm(B),
        jnp.linalg.norm(B, axis=1),
        jnp.linalg.norm(B, 1, axis=0),
        jnp.linalg.norm(B[0], jnp.inf),
    ),
    "solved": lambda: (
        jnp.linalg.solve(SQUARE, SQUARE[0]),
        jnp.linalg.solve(SQUARE, B[:, :2]),
        jnp.linalg.inv(SQUARE),
        jnp.linalg.cholesky(SQUARE),
        jnp.linalg.det(SQUARE),
        jnp.linalg.slogdet(SQUARE),
        jnp.linalg.eigvalsh(SQUARE),
        jnp.linalg.cholesky(-SQUARE),
        jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(SQUARE), True), SQUARE[0]),
    ),
    "layers": lambda: [
        f(B - 1)
        for f in (
            jax.nn.relu,
            jax.nn.sigmoid,
            jax.nn.softmax,
            jax.nn.softplus,
            jax.nn.gelu,
            jax.nn.silu,
            jax.nn.log_softmax,
            jax.nn.elu,
            jax.nn.leaky_relu,
            jax.nn.tanh,
        )
    ],
    "one hot": lambda: (
        jax.nn.one_hot(np.array([0, 2, 5]), 3),
        jax.nn.logsumexp(B, axis=1),
        jnp.clip(B, 0.5, 1.0),
        jnp.interp(B, B[0], B[1]),
        jnp.cov(B),
        jnp.corrcoef(B),
        jnp.quantile(B, 0.3),
        jnp.percentile(B, 25.0, axis=0),
    ),
    "types": lambda: (
        jnp.asarray(B, int),
        jnp.asarray(WHOLE, float),
        jnp.asarray(B, bool),
        jnp.float32(3),
        jnp.int8(-3),
        jnp.asarray(A) > 0,
        jnp.asarray(WHOLE, jnp.uint8),
        jnp.nan_to_num(A),
    ),
    "gradients": lambda: (
        jax.grad(lambda x: jnp.sum(jnp.tanh(x) ** 2))(B),
        jax.jacfwd(lambda x: x[0] * jnp.sin(x))(B[0]),
        jax.grad(lambda x: jnp.linalg.norm(jnp.exp(-x) @ SQUARE))(SQUARE),
        jax.hessian(lambda x: jnp.sum(x**3))(B[0]),
    ),
    "mapped": lambda: (
        jax.vmap(jnp.dot)(B, B),
        jax.vmap(lambda x: jnp.max(x) - x)(B),
        jax.vmap(jax.vmap(lambda x, y: jnp.exp(-x * y), (None, 0)), (0, None))(B[0], B[1]),
        jax.vmap(jnp.sort)(B),
        jax.vmap(lambda x, i: x[i])(B, np.array([0, 3, 1])),
    ),
    "segments": lambda: (
        jax.ops.segment_sum(B, np.array([0, 1, 0]), 3),
        jnp.bincount(np.array([0, 1, 1, 4]), length=5),
        jnp.unique(WHOLE),
        jnp.nonzero(WHOLE),
        jnp.searchsorted(B[0], B[1]),
    ),
    "normal": lambda: (
        jax.random.normal(KEY, (4, 5)),
        jax.random.truncated_normal(KEY, -1.0, 1.0, (6,)),
        jax.random.exponential(KEY, (3,)),
    ),
    "scalars": lambda: (
        1.0 + jnp.float32(2),
        jnp.sum(jnp.asarray([])),
        jnp.max(jnp.asarray(3)),
        jnp.asarray(True) & False,
        jnp.abs(-3),
        jnp.exp(1),
    ),
    "chosen": lambda: (
        lax.cond(True, jnp.sin, jnp.cos, B),
        lax.switch(7, [jnp.sin, jnp.cos], B),
        lax.select_n(np.array([0, 2, 1]), B[:, 0], B[:, 1], B[:, 2]),
        jnp.choose(np.array([0, 1, 1]), [B[:, 0], B[:, 1]]),
        jnp.round(jnp.asarray(B), 1),
        lax.round(jnp.asarray([0.5, -0.5, 1.5, 2.49999, 0.49999997]), lax.RoundingMethod.AWAY_FROM_ZERO),
        jnp.sign(jnp.asarray(WHOLE)),
    ),
    "loops": lambda: (
        lax.scan(lambda c, x: (c + x, c * x), jnp.zeros(4), B),
        lax.scan(lambda c, x: (c * 0.5 + x[1], jnp.exp(c) * x[0]), 1.0, (B, B[:, 0]), reverse=True),
        lax.fori_loop(0, 5, lambda i, c: c * 1.5 + i, jnp.asarray(B)),
        lax.while_loop(lambda c: jnp.sum(c) < 50, lambda c: c + B[0], B[1]),
        lax.map(lambda x: x[0] * x, B),
        lax.associative_scan(jnp.add, B),
        jax.vmap(lambda n: lax.while_loop(lambda i: i < n, lambda i: i + 1.0, 0.0))(B[0]),
        jax.grad(lambda x: lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=4)[0])(0.5),
        lax.scan(lambda key, _: (jax.random.fold_in(key, 1), jax.random.bits(key)), KEY, None, length=3)[1],
    ),
    "compiled by a student": lambda: (
        jax.jit(lambda x: jnp.sum(jnp.tanh(x) * 2))(B),
        jax.jit(jax.grad(lambda x: jnp.linalg.norm(x @ SQUARE)))(SQUARE),
        jax.jit(jax.vmap(lambda x: x / jnp.max(x)))(B),
    ),
    "factors": lambda: (
        jnp.linalg.svd(B, full_matrices=False),
        jnp.linalg.svd(B.T),
        jnp.linalg.svd(SQUARE, compute_uv=False),
        jnp.linalg.qr(B),
        jnp.linalg.qr(B.T),
        jnp.linalg.qr(B.T, mode="complete"),
        jnp.linalg.pinv(B),
        jnp.linalg.lstsq(B.T, B[0]),
        jnp.linalg.matrix_rank(B),
    ),
    "outside": lambda: (
        jnp.take(WHOLE, np.array([9, 1]), axis=0),
        jnp.take(WHOLE > 0, np.array([9, 1]), axis=0),
        jnp.asarray(WHOLE).at[np.array([5, 1])].get(mode="fill", fill_value=7),
        jnp.take(WHOLE.astype(np.uint8), np.array([9, 1]), axis=0),
    ),
    "beside": lambda: lax.nextafter(jnp.asarray(B), jnp.asarray(B) * 0),
    "entries": lambda: [jnp.asarray(B)[i] for i in ENTRIES],
    "entries changed": lambda: [
        y
        for i in ENTRIES
        for y in (jnp.asarray(B).at[i].set(5), jnp.asarray(B).at[i].add(2.5), jnp.asarray(B).at[i].mul(B[0, 0]))
    ],
    "keys of many": lambda: [KEYS[i] for i in (1, -1, I, (..., 0), (None, slice(1, 3)))],
    "entries of other kinds": lambda: (
        jnp.asarray(B, jnp.float16)[1, 2],
        jnp.asarray(B, jnp.bfloat16).at[1].add(0.1),
        jnp.asarray(WHOLE, jnp.int8).at[0].set(100),
        jnp.asarray(B).at[0].set(WHOLE[0, 0]),
        (jnp.asarray(B) > 1).at[0].set(True),
    ),
    "mapped indices": lambda: (
        jax.vmap(lambda x, i: x[i])(B, np.array([[0, 3], [1, 1], [2, 0]])),
        jax.vmap(lambda x, i: x.at[i].set(0.0))(jnp.asarray(B), np.array([0, 3, 1])),
        jax.vmap(lambda x, i: x.at[i].add(1.0))(jnp.asarray(B), np.array([[0, 0], [1, 3], [2, 9]])),
        jnp.take_along_axis(jnp.asarray(B), np.argsort(-B, axis=1), axis=1),
        jnp.asarray(B).at[np.array([0, 0])].max(9.0),
        jnp.asarray(B).at[:, np.array([1, 2])].min(0.0),
    ),
    "lax": lambda: (
        lax.rsqrt(B),
        lax.erf_inv(B / 3),
        lax.erf(A),
        lax.integer_pow(B, -2),
        lax.clamp(0.5, B, 1.0),
        lax.dynamic_slice(B, (2, 3), (2, 2)),
        lax.dynamic_update_slice(B, SQUARE[:1, :2], (2, 3)),
        lax.rev(B, (0, 1)),
        lax.cummax(A, 1),
        lax.shift_right_logical(WHOLE, WHOLE * 0 + 31),
        lax.rem(WHOLE, WHOLE * 0 + 3),
        lax.logistic(A),
    ),
}
EXACT = {
    "entries": CASES["entries"],
    "bits": CASES["bits"],
    "indices": CASES["indices"],
    "changes": CASES["changes"],
    "shapes": CASES["shapes"],
    "joined": CASES["joined"],
    "keys": lambda: [
        jax.random.key_data(jax.random.split(jax.random.fold_in(jax.random.key(s), 7), (2, 3))) for s in (0, 5, -1)
    ],
    "bits drawn": lambda: (
        jax.random.bits(KEY, (4, 3)),
        jax.random.permutation(KEY, 9),
        jax.random.randint(KEY, (5,), -3, 9),
        jax.random.PRNGKey(7),
        jax.random.bernoulli(KEY, 0.3, (7,)),
        jax.random.choice(KEY, 9, (4,), replace=False),
    ),
    "uniform": lambda: jax.random.uniform(KEY, (4, 5)),
    "sorted": lambda: (
        jnp.sort(A, axis=1),
        jnp.argsort(A, axis=0),
        jnp.argmax(A, axis=1),
        jnp.max(B),
        jnp.min(A, axis=0),
    ),
}


def plain(answers: Any) -> list[Any]:
    """The arrays of an answer; for random keys, their words."""
    leaves = jax.tree.leaves(answers)
    return [jax.random.key_data(a) if jnp.issubdtype(a.dtype, jax.dtypes.prng_key) else a for a in leaves]


HOOKS = ((pjit, "_pjit_call_impl_python"), (indexing, "rewriting_take"), (scatter, "_scatter_update"))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of programs that are compiled, while all others are computed here."""
    compiled: list[str] = []
    original = inspect.unwrap(pjit._pjit_call_impl_python)

    def counted(*args: Any, jaxpr: Any, **options: Any) -> Any:
        compiled.append(options["name"])
        return original(*args, jaxpr=jaxpr, **options)

    monkeypatch.setattr(pjit, "_pjit_call_impl_python", counted)
    jax.clear_caches()
    return compiled


def both(case: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
    """What XLA answers, and what is answered here."""
    jax.clear_caches()
    with monkeypatch.context() as patch:
        for module, name in HOOKS:
            patch.setattr(module, name, inspect.unwrap(getattr(module, name)))
        theirs = jax.tree.leaves(case())
        jax.clear_caches()
        first_calls.install()
        ours = jax.tree.leaves(case())
    jax.clear_caches()
    return theirs, ours


LEFT_TO_XLA = {"entries of other kinds"}
"""Cases in which something is compiled."""


@pytest.mark.parametrize("name", CASES)
def test_hardly_anything_is_compiled(name: str, computed: list[str]) -> None:
    first_calls.install()
    CASES[name]()
    assert bool(computed) == (name in LEFT_TO_XLA), computed


@pytest.mark.parametrize("name", CASES)
def test_answers_are_xla_s(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for theirs, ours in zip(*both(lambda: plain(CASES[name]()), monkeypatch), strict=True):
        assert jax.typeof(ours) == jax.typeof(theirs)  # shape, dtype, weak type
        if isinstance(theirs, jax.Array):
            assert ours.sharding == theirs.sharding and ours.committed == theirs.committed
        np.testing.assert_allclose(ours, theirs, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("name", EXACT)
def test_what_moves_numbers_or_draws_them_is_the_same_to_the_last_bit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for theirs, ours in zip(*both(EXACT[name], monkeypatch), strict=True):
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


NUMBERS = arrays.arrays(
    np.float32, arrays.array_shapes(max_dims=2, max_side=4), elements=st.floats(width=32, allow_subnormal=True)
)


@settings(deadline=None, max_examples=60)
@given(a=NUMBERS, name=st.sampled_from(["add", "subtract", "multiply", "maximum", "less", "equal"]))
def test_one_rounding_is_the_same_to_the_last_bit(a: np.ndarray, name: str) -> None:
    def case() -> Any:
        f = getattr(jnp, name)
        return f(a, a[::-1]), f(a, np.float32(3)), jnp.sqrt(a), jnp.square(a), jnp.sort(a, axis=0)

    with pytest.MonkeyPatch.context() as patch:
        for theirs, ours in zip(*both(case, patch), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_known_numbers_of_threefry() -> None:
    """From the known answers published with the generator (Random123, kat_vectors)."""
    for word, expected in ((0, (0x6B200159, 0x99BA4EFE)), (0xFFFFFFFF, (0x1CB996FC, 0xBB002BE7))):
        same = np.full((), word, np.uint32)
        with np.errstate(over="ignore"):
            assert tuple(map(int, keys.threefry(same, same, same, same))) == expected


def test_a_program_is_compiled_when_it_is_called_often(computed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first_calls.install()
    a = jnp.asarray(B)
    for _ in range(first_calls.OFTEN):
        jnp.multiply(a, a)
    assert "multiply" not in computed
    jnp.multiply(a, a)
    assert computed.count("multiply") == 1
    jnp.multiply(a, a)  # JAX itself remembers it now
    assert computed.count("multiply") == 1


def test_a_program_whose_last_digit_could_change_is_not(computed: list[str]) -> None:
    first_calls.install()
    a = jnp.asarray(B)
    answers = {np.asarray(jnp.exp(a)).tobytes() for _ in range(3 * first_calls.OFTEN)}
    assert len(answers) == 1 and "exp" not in computed


def test_what_takes_long_is_compiled(computed: list[str]) -> None:
    first_calls.install()
    jax.jit(lambda x: lax.fori_loop(0, loops.MOST_STEPS, lambda i, x: x * 1.5, x))(jnp.asarray(B))
    assert computed == ["<lambda>"]
    assert lax.while_loop(lambda i: i < loops.MOST_STEPS, lambda i: i + 1, 0) == loops.MOST_STEPS
    assert computed[1:] == ["while"] or computed[1:] == ["while_loop"]


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        (lambda: jax.jit(jnp.square).trace(B), first_calls.OFTEN),
        (lambda: jax.jit(jnp.exp).trace(B), first_calls.PRACTICALLY_NEVER),
        (lambda: jax.jit(jnp.hypot).trace(B, B), first_calls.PRACTICALLY_NEVER),  # two roundings, or one
        (lambda: jax.jit(lambda x: x).trace(B), first_calls.OFTEN),
        (lambda: jax.jit(lambda x: jnp.exp(jnp.sin(x))).trace(B), first_calls.WORK // 10),
        (lambda: jax.jit(lambda x: lax.fori_loop(0, 9, lambda i, x: x * 2, x)).trace(B), first_calls.WORK // 27),
    ],
)
def test_which_programs_are_computed_here(function: Callable[[], Any], calls: int) -> None:
    assert first_calls.plan(function().jaxpr, LIBRARY)[0] == calls


@pytest.mark.parametrize(
    "function",
    [
        lambda: jax.jit(jnp.linalg.eig).trace(B[:, :3]),  # has a step that is not known
        lambda: jax.jit(lambda x: jax.debug.print("{}", x)).trace(B),
        lambda: jax.jit(lambda x: lax.fori_loop(0, 9, lambda i, y: lax.fori_loop(0, i, jnp.add, y), x)).trace(B),
        lambda: jax.jit(jnp.exp).trace(np.zeros(arrays_here.MOST + 1, np.float32)),
    ],
)
def test_which_programs_are_not(function: Callable[[], Any]) -> None:
    with pytest.raises(Unknown):
        first_calls.plan(function().jaxpr, LIBRARY)


def test_errors_are_jax_s_own(computed: list[str]) -> None:
    first_calls.install()
    a = jnp.asarray(B) * 1
    a.delete()
    with pytest.raises(RuntimeError, match="deleted"):
        jnp.exp(a)
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        jnp.log(jnp.asarray(-1.0))


def test_an_answer_shares_no_memory(computed: list[str]) -> None:
    first_calls.install()
    a = np.ones(64, np.float32)
    moved = [jnp.asarray(a).reshape(8, 8), jnp.ravel(jnp.asarray(a)), jnp.asarray(a)[:16]]
    a[:] = 5
    assert all((np.asarray(m) == 1).all() for m in moved)


def test_another_version_of_jax_compiles_as_it_did() -> None:
    code = """
from jax._src import pjit
from jax._src.numpy import indexing
from jax._src.ops import scatter
del pjit._pjit_call_impl_python
from autograder.eager import first_calls
first_calls.install()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
