"""The references of the regression chapter against other libraries, other algorithms and numbers found by hand.

Inputs are rectangular on purpose. Run with `--jaxtyping-packages=solutions,beartype.beartype` to check every shape.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.model_selection import LeaveOneGroupOut, LeaveOneOut, cross_val_predict

from solutions import regression


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def normal(rng: np.random.Generator, *shape: int, mean: float = 0.0) -> jax.Array:
    return jnp.asarray(rng.normal(mean, 1.0, shape), dtype=jnp.float32)


def test_least_squares_by_hand() -> None:
    w, b = regression.ols(jnp.array([[0.0], [1.0], [2.0]]), jnp.array([1.0, 3.0, 5.0]))
    np.testing.assert_allclose(w, [2.0], rtol=1e-6)
    assert float(b) == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "d"), [(12, 4), (5, 1), (3, 6)])
def test_least_squares_agree_with_scikit_learn(rng: np.random.Generator, n: int, d: int) -> None:
    X, y = normal(rng, n, d, mean=4.0), normal(rng, n)
    w, b = regression.ols(X, y)
    expected = LinearRegression().fit(X, y)
    np.testing.assert_allclose(w, expected.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(b, expected.intercept_, rtol=1e-3, atol=1e-3)


def test_the_published_two_steps_are_something_else() -> None:
    X = jnp.array([[1.0], [2.0], [3.0]])
    y = 10.0 + X[:, 0]
    w, _ = regression.ols(X, y)
    np.testing.assert_allclose(w, [1.0], rtol=1e-5)
    two_steps = jnp.linalg.lstsq(X, y)[0]
    assert float(two_steps[0]) == pytest.approx(74 / 14)


def test_repeated_descriptors_share_the_weight(rng: np.random.Generator) -> None:
    x = jnp.arange(8.0)
    w, b = regression.ols(jnp.column_stack([x, x, 2 * x]), 3.0 * x + 1.0)
    np.testing.assert_allclose(w, [0.5, 0.5, 1.0], rtol=1e-4)
    assert float(b) == pytest.approx(1.0, abs=1e-3)


def test_ridge_by_hand() -> None:
    w, b = regression.ridge(jnp.array([[0.0], [2.0]]), jnp.array([1.0, 3.0]), 1.0)
    np.testing.assert_allclose(w, [0.5])
    assert float(b) == pytest.approx(1.5)


@pytest.mark.parametrize(("n", "d"), [(12, 4), (4, 6)])
def test_ridge_agrees_with_scikit_learn(rng: np.random.Generator, n: int, d: int) -> None:
    X, y = normal(rng, n, d, mean=2.0), normal(rng, n, mean=-3.0)
    w, b = regression.ridge(X, y, 0.3)
    expected = Ridge(alpha=0.3 * n).fit(X, y)
    np.testing.assert_allclose(w, expected.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(b, expected.intercept_, rtol=1e-3)


def test_without_penalty_ridge_is_least_squares(rng: np.random.Generator) -> None:
    X, y = normal(rng, 12, 3), normal(rng, 12)
    for found, expected in zip(regression.ridge(X, y, 1e-7), regression.ols(X, y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_ridge_gradient_by_hand() -> None:
    found = regression.ridge_grad(
        jnp.array([1.0, 2.0]), 1.0, jnp.array([[3.0, 1.0]]), jnp.array([4.0]), 0.5
    )  # residual 2, penalty 2 * 0.5 * w
    np.testing.assert_allclose(found[0], [13.0, 6.0])
    assert float(found[1]) == 4.0


@pytest.mark.parametrize(("n", "d"), [(7, 3), (2, 5)])
def test_ridge_gradient_agrees_with_automatic_differentiation(rng: np.random.Generator, n: int, d: int) -> None:
    X, y, w = normal(rng, n, d), normal(rng, n), normal(rng, d)

    def loss(w: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.mean((X @ w + b - y) ** 2) + 0.7 * jnp.sum(w**2)

    expected = jax.grad(loss, argnums=(0, 1))(w, jnp.float32(0.4))
    for found, right in zip(regression.ridge_grad(w, 0.4, X, y, 0.7), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


def test_ridge_gradient_is_zero_at_the_ridge_solution(rng: np.random.Generator) -> None:
    X, y = normal(rng, 12, 4, mean=1.0), normal(rng, 12)
    w, b = regression.ridge(X, y, 0.2)
    grad_w, grad_b = regression.ridge_grad(w, float(b), X, y, 0.2)
    np.testing.assert_allclose(jnp.append(grad_w, grad_b), np.zeros(5), atol=1e-5)


def test_two_proximal_steps_by_hand() -> None:
    X, y = jnp.eye(2), jnp.array([4.0, -0.5])
    # u = 0.5 * 4 = 2 -> 1.5; then u = 1.5 + 0.5 * 2.5 = 2.75 -> 2.25. The other coordinate stays below the price.
    np.testing.assert_allclose(regression.lasso_ista(X, y, 1.0, 0.5, 2), [2.25, 0.0])


def test_no_steps_give_zeros() -> None:
    np.testing.assert_array_equal(regression.lasso_ista(jnp.ones((3, 2)), jnp.ones(3), 1.0, 0.1, 0), [0.0, 0.0])


def test_many_proximal_steps_reach_the_lasso_of_scikit_learn(rng: np.random.Generator) -> None:
    X, y = normal(rng, 20, 4), normal(rng, 20)
    w = regression.lasso_ista(X, y, 0.3, 0.15, 400)
    expected = Lasso(alpha=0.15, fit_intercept=False, tol=1e-8).fit(X, y).coef_
    np.testing.assert_allclose(w, expected, atol=1e-4)
    assert (np.asarray(w) == 0).any()


@pytest.mark.parametrize(("n", "k"), [(25, 2), (23, 4), (5, 5)])
@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey])
def test_folds_are_a_partition(n: int, k: int, make: Callable[[int], jax.Array]) -> None:
    folds = regression.kfold(make(3), n, k)
    assert len(folds) == k
    assert sorted(i for _, test in folds for i in test.tolist()) == list(range(n))
    assert all(sorted([*train.tolist(), *test.tolist()]) == list(range(n)) for train, test in folds)
    sizes = [len(test) for _, test in folds]
    assert max(sizes) - min(sizes) <= 1


def test_the_key_decides_the_folds() -> None:
    first, again, other = (regression.kfold(jax.random.key(seed), 30, 3)[0][1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def mean_fit(X: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean(y)


def mean_predict(model: jax.Array, X: jax.Array) -> jax.Array:
    return jnp.full(X.shape[0], model)


def test_cross_validation_by_hand_averages_over_molecules() -> None:
    y = jnp.array([1.0, 3.0, 8.0])
    found = regression.cv_mse(jnp.zeros((3, 1)), y, 2, mean_fit, mean_predict, False)
    assert float(found) == pytest.approx((49 + 25 + 36) / 3)  # blocks {0, 1} and {2}: predictions 8, 8, 2


def test_fit_never_sees_a_test_row_nor_its_scale(rng: np.random.Generator) -> None:
    X, y, shown = normal(rng, 11, 2, mean=5.0), jnp.arange(11.0), []

    def fit(X: jax.Array, y: jax.Array) -> int:
        shown.append((np.asarray(X), y.tolist()))
        return 0

    regression.cv_mse(X, y, 4, fit, lambda _, X: jnp.zeros(X.shape[0]))
    for block, (seen, targets) in zip(np.array_split(np.arange(11), 4), shown, strict=True):
        assert targets == [t for t in range(11) if t not in block]
        np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(seen.std(axis=0), 1, rtol=1e-4)


def test_a_constant_descriptor_is_only_centred() -> None:
    X = jnp.array([[5.0], [2.0], [2.0], [2.0]])
    found = regression.cv_mse(X, jnp.zeros(4), 4, mean_fit, lambda _, X: X[:, 0])
    # left out first: 5 - 2 = 3; otherwise the mean of 5, 2, 2 is 3, its spread sqrt(2): -1 / sqrt(2)
    assert float(found) == pytest.approx((9 + 3 * 0.5) / 4)


def test_bias_and_variance_by_hand() -> None:
    bias2, variance = regression.bias_variance(jnp.array([[1.0], [5.0]]), jnp.array([2.0]))
    assert (float(bias2), float(variance)) == (1.0, 4.0)


def test_bias_and_variance_add_up(rng: np.random.Generator) -> None:
    pred, f = normal(rng, 7, 4), normal(rng, 4)
    assert float(sum(regression.bias_variance(pred, f))) == pytest.approx(float(jnp.mean((pred - f) ** 2)), rel=1e-5)


def test_jackknife_plus_by_hand() -> None:
    X, y = jnp.array([[0.0], [1.0], [3.0]]), jnp.array([0.0, 1.0, 6.0])
    # without 0: -1.5 + 2.5 x, error 1.5; without 1: 2 x, error 1; without 2: x, error 3. At x = 1: 1, 2, 1.
    lo, hi = regression.jackknife_plus(X, y, jnp.array([[1.0]]), 0.3)
    np.testing.assert_allclose([lo[0], hi[0]], [-2.0, 4.0], atol=1e-5)
    lo, hi = regression.jackknife_plus(X, y, jnp.array([[1.0], [2.0]]), 0.2)
    assert np.isneginf(lo).all() and np.isposinf(hi).all()


def test_jackknife_plus_agrees_with_leverages(rng: np.random.Generator) -> None:
    X, y, x0 = normal(rng, 15, 3), normal(rng, 15), normal(rng, 4, 3)
    missed = np.abs(np.asarray(y) - cross_val_predict(LinearRegression(), X, y, cv=LeaveOneOut()))
    A = np.column_stack([X, np.ones(15)])
    leverage = np.diag(A @ np.linalg.pinv(A))
    full = LinearRegression().fit(X, y)
    np.testing.assert_allclose(missed, np.abs(np.asarray(y) - full.predict(X)) / (1 - leverage), rtol=1e-4)
    others = [LinearRegression().fit(np.delete(X, i, 0), np.delete(y, i)).predict(x0) for i in range(15)]
    low, high = (np.sort(np.array(others) + sign * missed[:, None], axis=0) for sign in (-1, 1))
    lo, hi = regression.jackknife_plus(X, y, x0, 0.2)  # floor(0.2 * 16) = 3
    np.testing.assert_allclose(lo, low[2], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(hi, high[-3], rtol=1e-3, atol=1e-3)


def test_jackknife_plus_covers_what_it_promises(rng: np.random.Generator) -> None:
    inside = []
    for _ in range(12):
        X, x0 = normal(rng, 25, 3), normal(rng, 40, 3)
        weights = normal(rng, 3)
        y, truth = X @ weights + normal(rng, 25), x0 @ weights + normal(rng, 40)
        lo, hi = regression.jackknife_plus(X, y, x0, 0.1)
        assert (np.asarray(lo) < np.asarray(hi)).all()
        inside += np.asarray((lo <= truth) & (truth <= hi)).tolist()
    assert 0.82 < np.mean(inside) < 0.98  # 0.8 is proven, 0.9 is usual


def test_leaving_groups_out_by_hand() -> None:
    errors, micro, macro = regression.leave_one_group_out(
        jnp.zeros((3, 1)), jnp.array([1.0, 3.0, 8.0]), jnp.array([0, 0, 1])
    )
    np.testing.assert_allclose(errors, [37.0, 36.0], rtol=1e-5)
    assert (float(micro), float(macro)) == (pytest.approx(110 / 3), pytest.approx(36.5))


def test_leaving_groups_out_agrees_with_scikit_learn(rng: np.random.Generator) -> None:
    X, y, g = normal(rng, 15, 3, mean=2.0), normal(rng, 15), np.resize([7, -2, 7, 30, 7], 15)
    predicted = cross_val_predict(LinearRegression(), X, y, cv=LeaveOneGroupOut(), groups=g)
    squares = (predicted - np.asarray(y)) ** 2
    errors, micro, macro = regression.leave_one_group_out(X, y, jnp.asarray(g))
    np.testing.assert_allclose(errors, [squares[g == group].mean() for group in (-2, 7, 30)], rtol=1e-3)
    assert float(micro) == pytest.approx(squares.mean(), rel=1e-3)
    assert float(macro) == pytest.approx(float(np.mean(errors)), rel=1e-5)


def test_scaffolds_are_split_rarest_first() -> None:
    pytest.importorskip("rdkit")
    smiles = ["CCO", "c1ccccc1", "Cc1ccccc1", "Oc1ccccc1", "C1CCCCC1", "c1ccncc1", "Cc1ccncc1", "CCN"]
    train, test = regression.scaffold_split(smiles, 0.25)
    assert (train.tolist(), test.tolist()) == ([1, 2, 3, 5, 6], [0, 4, 7])
    assert regression.scaffold_split(smiles, 0.125)[1].tolist() == [4]


def test_one_scaffold_for_all_leaves_nothing_to_train_on() -> None:
    pytest.importorskip("rdkit")
    train, test = regression.scaffold_split(["CC", "CCO", "CN"], 0.5)
    assert (train.tolist(), test.tolist()) == ([], [0, 1, 2])
