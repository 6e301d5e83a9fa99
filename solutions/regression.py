"""Regression and model assessment: linear models of a molecular property, and how far to trust them.

Axes: n molecules, d descriptors, m new molecules, L models, c groups of molecules.
`w` holds one weight per descriptor, `b` is the intercept, `y` the target and `lam` the penalty. Losses are means over
molecules; penalties are sums over weights and leave the intercept alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data


def ols(X: Float[Array, "n d"], y: Float[Array, "n"]) -> tuple[Float[Array, "d"], Float[Array, ""]]:
    """Ordinary least squares: the weights w and the intercept b that together make

        1/n * sum_i (yhat_i - y_i)^2,   yhat_i = b + sum_j X[i, j] * w_j

    as small as possible. If several w do equally well, because descriptors depend on each other or molecules are few,
    take the one with the smallest sum_j w_j^2; b plays no part in that choice. `X` need not be centred. Return (w, b).
    NumPy is fine here.
    """
    centre, level = jnp.mean(X, axis=0), jnp.mean(y)
    w = jnp.linalg.pinv(X - centre) @ (y - level)
    return w, level - centre @ w


def ridge(X: Float[Array, "n d"], y: Float[Array, "n"], lam: float) -> tuple[Float[Array, "d"], Float[Array, ""]]:
    """Ridge regression: the weights w and the intercept b that together make

        L(w, b) = 1/n * sum_i (yhat_i - y_i)^2 + lam * sum_j w_j^2,   yhat_i = b + sum_j X[i, j] * w_j

    as small as possible. Mind the two sums: the errors are averaged over the n molecules, the squares of the weights
    are not averaged, and b is not penalised. `lam` > 0, and `X` need not be centred. Return (w, b). NumPy is fine here.
    """
    n, d = X.shape
    centre, level = jnp.mean(X, axis=0), jnp.mean(y)
    A = X - centre
    pull = A.T @ (y - level)
    w = jnp.linalg.solve(A.T @ A + n * lam * jnp.eye(d), pull)
    return w, level - centre @ w


def ridge_grad(
    w: Float[Array, "d"], b: float, X: Float[Array, "n d"], y: Float[Array, "n"], lam: float
) -> tuple[Float[Array, "d"], Float[Array, ""]]:
    """The gradient of the loss of `ridge` in the weights and in the intercept, at any w and b.

        L(w, b) = 1/n * sum_i (yhat_i - y_i)^2 + lam * sum_j w_j^2,   yhat_i = b + sum_j X[i, j] * w_j

    Return (dL/dw, dL/db): an array of length d and one number. NumPy is fine here.
    """
    residual = X @ w + b - y
    return 2 * X.T @ residual / y.shape[0] + 2 * lam * w, 2 * jnp.mean(residual)


def lasso_ista(X: Float[Array, "n d"], y: Float[Array, "n"], lam: float, eta: float, steps: int) -> Float[Array, "d"]:
    """The lasso weights after exactly `steps` proximal gradient steps from w = 0.

    The loss is f(w) + lam * sum_j |w_j| with f(w) = 1/n * sum_i (sum_j X[i, j] * w_j - y_i)^2. There is no intercept.
    One step of size `eta` takes w to the v that makes

        1/(2 eta) * sum_j (v_j - u_j)^2 + lam * sum_j |v_j|,   u = w - eta * (gradient of f at w)

    as small as possible. There is no momentum and no early stop: with `steps` = 0 the answer is all zeros. NumPy is
    fine here. Source: the iterative shrinkage-thresholding algorithm, ISTA; Beck and Teboulle, SIAM J. Imaging Sci. 2,
    183 (2009).
    """
    w = jnp.zeros(X.shape[1], X.dtype)
    for _ in range(steps):
        u = w - eta * 2 * X.T @ (X @ w - y) / y.shape[0]
        w = jnp.sign(u) * jnp.maximum(jnp.abs(u) - eta * lam, 0)
    return w


def kfold(key: PRNGKeyArray, n: int, k: int) -> list[tuple[Int[Array, "train"], Int[Array, "test"]]]:
    """The k folds of a cross-validation: a list of k pairs (train, test) of arrays of row numbers.

    Each of the rows 0, 1, ..., n - 1 is in the test part of exactly one fold, and in the training part of all the
    others, once. The sizes of the test parts differ by at most one; which of them are larger is up to you, and so is
    the order inside a part. Who is in which fold is random and decided by `key` alone, a JAX key of either kind
    (`jax.random.key` or `jax.random.PRNGKey`). 2 <= k <= n.
    """
    parts = jnp.array_split(jax.random.permutation(key, n), k)
    return [(jnp.concatenate(parts[:i] + parts[i + 1 :]), parts[i]) for i in range(k)]


def cv_mse(
    X: Float[Array, "n d"],
    y: Float[Array, "n"],
    k: int,
    fit: Callable[[Float[Array, "train d"], Float[Array, "train"]], Any],
    predict: Callable[[Any, Float[Array, "test d"]], Float[Array, "test"]],
    scale: bool = True,
) -> Float[Array, ""]:
    """The cross-validated mean squared error of a model.

        1/n * sum_i (prediction for molecule i by the model that was fitted without the block of i  -  y_i)^2

    The k test blocks are consecutive rows, as `np.array_split` makes them: in order, the longer ones first. For each
    block call `model = fit(X_train, y_train)` once, with all other rows in their order, and `predict(model, X_test)`
    once. The mean runs over all n molecules at once (a *micro* average).

    With `scale`, each descriptor is standardised for each block: its mean is subtracted and the result is divided by
    its standard deviation (that with 1/n, NumPy's default), or only centred where that is 0. Both numbers are found
    without a look at the test block. The targets are never scaled. NumPy is fine here.
    """
    squares, blocks = [], jnp.array_split(jnp.arange(X.shape[0]), k)
    for i, test in enumerate(blocks):
        train = jnp.concatenate(blocks[:i] + blocks[i + 1 :])
        known, asked = X[train], X[test]
        if scale:
            centre, spread = jnp.mean(known, axis=0), jnp.std(known, axis=0)
            spread = jnp.where(spread > 0, spread, 1)
            known, asked = (known - centre) / spread, (asked - centre) / spread
        squares.append((predict(fit(known, y[train]), asked) - y[test]) ** 2)
    return jnp.mean(jnp.concatenate(squares))


def bias_variance(pred: Float[Array, "L n"], f: Float[Array, "n"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """How much of a model's error is bias, and how much is variance.

    `pred[l, i]` is what the model that was fitted to training set l predicts for molecule i; `f[i]` is the true value,
    free of noise. With the average over training sets  pbar_i = 1/L * sum_l pred[l, i]:

        bias2 = 1/n * sum_i (pbar_i - f_i)^2,   variance = 1/n * sum_i 1/L * sum_l (pred[l, i] - pbar_i)^2

    Return (bias2, variance), two numbers. Together they are the mean squared error, exactly. NumPy is fine here.
    """
    average = jnp.mean(pred, axis=0)
    return jnp.mean((average - f) ** 2), jnp.mean((pred - average) ** 2)


def jackknife_plus(
    X: Float[Array, "n d"], y: Float[Array, "n"], x0: Float[Array, "m d"], alpha: float
) -> tuple[Float[Array, "m"], Float[Array, "m"]]:
    """Prediction intervals of the jackknife+ for m new molecules.

    Leave out molecule i and fit `ols` to the others: that model, f_i, errs on molecule i by R_i = |y_i - f_i(X_i)|. The
    interval for a new molecule x is (lo, hi), where

        lo = the q-th smallest of the n numbers f_i(x) - R_i
        hi = the q-th largest  of the n numbers f_i(x) + R_i,   q = floor(alpha * (n + 1))

    and (-infinity, infinity) if q = 0. Each tail gets `alpha`, 0 < alpha < 1. Return (lo, hi), two arrays of length m.
    You may call your `ols`; NumPy is fine here.
    Source: Barber, Candes, Ramdas and Tibshirani, Annals of Statistics 49, 486 (2021).
    """
    n, m = X.shape[0], x0.shape[0]
    q = int(alpha * (n + 1))
    if q == 0:
        return jnp.full(m, -jnp.inf), jnp.full(m, jnp.inf)
    low, high = [], []
    for i in range(n):
        others = jnp.arange(n) != i
        w, b = ols(X[others], y[others])
        error = jnp.abs(X[i] @ w + b - y[i])
        low.append(x0 @ w + b - error)
        high.append(x0 @ w + b + error)
    return jnp.sort(jnp.stack(low), axis=0)[q - 1], jnp.sort(jnp.stack(high), axis=0)[n - q]


def leave_one_group_out(
    X: Float[Array, "n d"], y: Float[Array, "n"], g: Int[Array, "n"]
) -> tuple[Float[Array, "c"], Float[Array, ""], Float[Array, ""]]:
    """How well `ols` predicts whole groups of molecules that it has never seen.

    `g[i]` is the group of molecule i, any whole number. For each of the c groups, in ascending order of that number,
    fit `ols` to the molecules of all other groups and take the mean squared error on the group itself:

        E_c = mean of (yhat_i - y_i)^2 over the molecules i of group c

    Return (E, micro, macro): the array E, the mean squared error over all n molecules, and the mean of E over groups.
    There are at least two groups. You may call your `ols`; NumPy is fine here.
    """
    squares = []
    for group in jnp.unique(g):
        w, b = ols(X[g != group], y[g != group])
        squares.append((X[g == group] @ w + b - y[g == group]) ** 2)
    errors = jnp.array([jnp.mean(s) for s in squares])
    return errors, jnp.mean(jnp.concatenate(squares)), jnp.mean(errors)


def scaffold_split(smiles: Sequence[str], frac: float) -> tuple[Int[Array, "train"], Int[Array, "test"]]:
    """Split molecules into training and test rows such that no scaffold is in both.

    The scaffold of a molecule is its rings and what links them, written as SMILES by RDKit (`MurckoScaffoldSmiles` in
    `rdkit.Chem.Scaffolds.MurckoScaffold`). Molecules of the same scaffold stay together; those without a ring have the
    empty scaffold `""` and are one group like any other. Whole groups go to the test part, those with the fewest
    molecules first, and among equals the one whose scaffold comes first in Python's order of strings, until the test
    part holds at least `frac` times the number of molecules. Then stop: everything else is for training.

    Return (train, test), two arrays of row numbers, both in ascending order. 0 < frac < 1. This task needs RDKit
    (`pip install rdkit`); import it inside your function.
    """
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

    groups: dict[str, list[int]] = {}
    for row, text in enumerate(smiles):
        groups.setdefault(MurckoScaffoldSmiles(smiles=text), []).append(row)
    test: list[int] = []
    for scaffold in sorted(groups, key=lambda s: (len(groups[s]), s)):
        if len(test) >= frac * len(smiles):
            break
        test += groups[scaffold]
    train = [i for i in range(len(smiles)) if i not in test]
    return jnp.array(train, dtype=int), jnp.array(sorted(test), dtype=int)


class RidgeRegressor(RegressorMixin, BaseEstimator):
    """Ridge regression as an estimator that every tool of scikit-learn can use.

    `RidgeRegressor(lam=1.0)` fits what `ridge` fits: after `fit(X, y)`, its `coef_` holds the weights w and its
    `intercept_` the number b, and `predict(X)` returns b + sum_j X[i, j] * w_j for every row. It keeps scikit-learn's
    rules:

    - `__init__` stores the setting under its own name, unchanged, and does nothing else;
    - `fit(X, y)` first has scikit-learn's `validate_data` look at both (with `y_numeric=True`): it gives back proper
      arrays, refuses what is no table of numbers, and remembers how many columns there were. What is learnt gets names
      that end in `_`; the setting stays as it is; `fit` returns the model itself;
    - `predict(X)` first asks `check_is_fitted`, then validates its table with `reset=False`, and changes nothing.
    """

    def __init__(self, lam: float = 1.0):
        self.lam = lam

    def fit(self, X: Float[Array, "n d"], y: Float[Array, "n"]) -> "RidgeRegressor":
        X, y = validate_data(self, X, y, y_numeric=True)
        self.coef_, self.intercept_ = ridge(X, y, self.lam)
        return self

    def predict(self, X: Float[Array, "m d"]) -> Float[Array, "m"]:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return X @ self.coef_ + self.intercept_
