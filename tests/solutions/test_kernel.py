"""The reference solutions of the kernel chapter against other libraries, other algorithms and numbers found by hand.

Inputs are rectangular on purpose. Run with `--jaxtyping-packages=solutions,beartype.beartype` to check every shape.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.kernel_ridge import KernelRidge as ScikitRidge
from sklearn.metrics.pairwise import rbf_kernel as scikit_rbf
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from solutions import kernel


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def normal(rng: np.random.Generator, *shape: int) -> jax.Array:
    return jnp.asarray(rng.normal(size=shape), dtype=jnp.float32)


def directed(x: jax.Array, z: jax.Array) -> jax.Array:
    return jnp.sum(jnp.maximum(x - z, 0.0))


def test_rms_distance_by_hand() -> None:
    assert float(kernel.rms_dist(jnp.zeros(2), jnp.array([3.0, 4.0]))) == pytest.approx(12.5**0.5)
    assert float(kernel.rms_dist(jnp.ones(3), jnp.ones(3))) == 0.0


def test_rms_distance_maps_over_pairs(rng: np.random.Generator) -> None:
    x, z = normal(rng, 5, 3), normal(rng, 5, 3)
    np.testing.assert_allclose(jax.vmap(kernel.rms_dist)(x, z), np.diagonal(cdist(x, z)) / 3**0.5, rtol=1e-5)


def test_rbf_by_hand() -> None:
    x, z = jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])
    assert float(kernel.rbf(x, z, float(np.log(2)))) == pytest.approx(1 / 16)


def test_rbf_gradient_is_that_of_the_formula_and_finite_everywhere(rng: np.random.Generator) -> None:
    x, z = normal(rng, 4), normal(rng, 4)
    gradient = jax.grad(kernel.rbf)
    np.testing.assert_allclose(gradient(x, z, 0.3), -0.6 * (x - z) * kernel.rbf(x, z, 0.3), rtol=1e-5)
    np.testing.assert_array_equal(gradient(x, x, 0.3), np.zeros(4))


def test_rbf_works_under_jit_and_vmap(rng: np.random.Generator) -> None:
    X, z = normal(rng, 6, 3), normal(rng, 3)
    rows = jax.jit(jax.vmap(partial(kernel.rbf, gamma=0.4), in_axes=(0, None)))(X, z)
    np.testing.assert_allclose(rows, scikit_rbf(X, z[None], gamma=0.4)[:, 0], rtol=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("11100", "01110", 0.5), ("00", "00", 0.0), ("01", "00", 0.0), ("1", "1", 1.0)]
)
def test_tanimoto_by_hand(a: str, b: str, expected: float) -> None:
    first, second = (jnp.array([int(bit) for bit in bits]) for bits in (a, b))
    assert float(kernel.tanimoto(first, second)) == pytest.approx(expected)


def test_tanimoto_agrees_with_rdkit(rng: np.random.Generator) -> None:
    structs = pytest.importorskip("rdkit.DataStructs")
    a, b = (rng.random((2, 100)) < 0.3).astype(int)
    one, other = (structs.CreateFromBitString("".join(map(str, bits))) for bits in (a, b))
    expected = structs.TanimotoSimilarity(one, other)
    assert float(kernel.tanimoto(jnp.asarray(a), jnp.asarray(b))) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (1, 6), (7, 1)])
def test_gram_keeps_the_order_of_arguments(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    n, m = shape
    A, B = normal(rng, n, 2), normal(rng, m, 2)
    expected = [[float(directed(a, b)) for b in B] for a in A]
    np.testing.assert_allclose(kernel.gram(directed, A, B), expected, rtol=1e-5)


def test_rbf_kernel_agrees_with_scikit_learn_and_with_gram(rng: np.random.Generator) -> None:
    x, y = normal(rng, 7, 17), normal(rng, 5, 17)
    found = kernel.rbf_kernel(x, y, 0.05)
    np.testing.assert_allclose(found, scikit_rbf(x, y, gamma=0.05), rtol=1e-4)
    np.testing.assert_allclose(found, kernel.gram(partial(kernel.rbf, gamma=0.05), x, y), rtol=1e-5)


def test_rbf_kernel_far_from_the_origin_keeps_its_precision(rng: np.random.Generator) -> None:
    x = normal(rng, 4, 3) + 1000.0
    np.testing.assert_array_equal(np.diagonal(kernel.rbf_kernel(x, x, 0.5)), np.ones(4))


def test_distances_are_no_kernel_but_rbf_is(rng: np.random.Generator) -> None:
    X = normal(rng, 20, 3)
    assert not kernel.is_psd(kernel.gram(kernel.rms_dist, X, X), 1e-3)
    assert kernel.is_psd(kernel.rbf_kernel(X, X, 0.5), 1e-3)


@pytest.mark.parametrize(("lowest", "tol", "expected"), [(-0.5, 0.5, True), (-0.5, 0.4, False), (0.0, 0.0, True)])
def test_the_tolerance_is_absolute_and_inclusive(lowest: float, tol: float, expected: bool) -> None:
    assert kernel.is_psd(jnp.diag(jnp.array([100.0, lowest])), tol) is expected


def test_dual_prediction_by_hand_and_by_scipy(rng: np.random.Generator) -> None:
    one = kernel.dual_predict(jnp.zeros((1, 1)), jnp.array([[-1.0], [3.0]]), jnp.array([2.0, 1.0]), -4.0)
    np.testing.assert_allclose(one, [1.0])
    X, Xtr, w = normal(rng, 6, 4), normal(rng, 5, 4), normal(rng, 5)
    np.testing.assert_allclose(kernel.dual_predict(X, Xtr, w, 0.5), cdist(X, Xtr) @ w / 2 + 0.5, rtol=1e-4)


def test_dual_gradient_by_hand() -> None:
    found = kernel.dual_grad(jnp.array([1.0, 2.0]), 1.0, jnp.array([[3.0, 1.0]]), jnp.array([4.0]))
    np.testing.assert_allclose(found[0], [12.0, 4.0])
    assert float(found[1]) == 4.0


@pytest.mark.parametrize(("m", "n"), [(5, 3), (2, 6), (4, 4)])
def test_dual_gradient_agrees_with_automatic_differentiation(rng: np.random.Generator, m: int, n: int) -> None:
    K, y, w = normal(rng, m, n), normal(rng, m), normal(rng, n)

    def loss(w: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.mean((K @ w + b - y) ** 2)

    expected = jax.grad(loss, argnums=(0, 1))(w, jnp.float32(0.7))
    for found, right in zip(kernel.dual_grad(w, 0.7, K, y), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


def test_ridge_weights_by_hand() -> None:
    np.testing.assert_allclose(kernel.krr_fit(jnp.eye(2), jnp.array([1.0, 3.0]), 1.0), [-0.5, 0.5])


def test_ridge_weights_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    X, y = normal(rng, 12, 4), normal(rng, 12) + 30
    K = kernel.rbf_kernel(X, X, 0.3)
    expected = ScikitRidge(alpha=0.2, kernel="precomputed").fit(K, y - y.mean()).dual_coef_
    np.testing.assert_allclose(kernel.krr_fit(K, y, 0.2), expected, rtol=1e-3, atol=1e-4)


def test_without_penalty_the_model_goes_through_all_points(rng: np.random.Generator) -> None:
    K, y = jnp.diag(jnp.array([1.0, 2.0, 3.0])) + 0.1, normal(rng, 3)
    np.testing.assert_allclose(y.mean() + K @ kernel.krr_fit(K, y, 1e-7), y, atol=1e-4)


def test_the_linear_kernel_gives_linear_ridge_regression(rng: np.random.Generator) -> None:
    X, y = normal(rng, 10, 3), normal(rng, 10)
    primal = np.linalg.solve(X.T @ X + 0.7 * np.eye(3), X.T @ (y - y.mean()))
    np.testing.assert_allclose(X.T @ kernel.krr_fit(X @ X.T, y, 0.7), primal, rtol=1e-2, atol=1e-3)


def test_leave_one_out_by_hand() -> None:
    K, y = jnp.array([[1.0, 0.5], [0.5, 1.0]]), jnp.array([1.0, 5.0])
    np.testing.assert_allclose(kernel.krr_loo(K, y, 1.0), [-2.5, 2.5], rtol=1e-5)


@pytest.mark.parametrize(("n", "lam"), [(2, 0.5), (7, 4.0), (11, 0.1)])
def test_leave_one_out_agrees_with_refitting(rng: np.random.Generator, n: int, lam: float) -> None:
    X, y = normal(rng, n, 4), normal(rng, n) - 20
    K, centred = kernel.rbf_kernel(X, X, 0.3), np.asarray(y - y.mean())
    model = ScikitRidge(alpha=lam, kernel="precomputed")
    expected = centred - cross_val_predict(model, np.asarray(K), centred, cv=LeaveOneOut())
    np.testing.assert_allclose(kernel.krr_loo(K, y, lam), expected, rtol=1e-3, atol=1e-3)


def test_the_learning_curve_nests_its_rows_and_keeps_their_order() -> None:
    seen: list[list[int]] = []

    def fit(rows: jax.Array) -> int:
        seen.append(rows.tolist())
        return len(rows)

    curve = kernel.learning_curve([7, 2, 12], jax.random.key(1), fit, lambda model: -float(model))
    np.testing.assert_array_equal(curve, [-7.0, -2.0, -12.0])
    seven, two, twelve = map(set, seen)
    assert two < seven < twelve == set(range(12))


def test_the_key_decides_which_rows() -> None:
    def rows(seed: int) -> list[int]:
        seen: list[list[int]] = []
        kernel.learning_curve([5, 60], jax.random.key(seed), lambda r: seen.append(sorted(r.tolist())), lambda _: 0.0)
        return seen[0]

    assert rows(1) == rows(1) != rows(2)


def test_kernel_ridge_agrees_with_scikit_learn(rng: np.random.Generator) -> None:
    X, y, Z = normal(rng, 9, 3), normal(rng, 9) - 2, normal(rng, 4, 3)
    expected = ScikitRidge(alpha=0.3, gamma=0.2, kernel="rbf").fit(X, y - y.mean()).predict(Z) + np.mean(y)
    np.testing.assert_allclose(kernel.KernelRidge(0.2, 0.3).fit(X, y).predict(Z), expected, rtol=1e-3, atol=1e-3)


def test_fitting_again_forgets_and_far_away_the_mean_is_predicted(rng: np.random.Generator) -> None:
    X, y = normal(rng, 5, 2), normal(rng, 5)
    model = kernel.KernelRidge(0.5, 0.1).fit(normal(rng, 8, 2), normal(rng, 8)).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), kernel.KernelRidge(0.5, 0.1).fit(X, y).predict(X))
    np.testing.assert_allclose(model.predict(X + 1e3), np.full(5, y.mean()), rtol=1e-5)
