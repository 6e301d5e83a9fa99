"""Kernel learning: how alike two molecules are, and regression built on nothing but that.

Axes: n training molecules, m other molecules, d descriptors or fingerprint bits, s sizes of a learning curve.
`K` holds kernel values, `y` targets, `alpha` and `w` one weight per training molecule, `lam` the ridge penalty and
`gamma` the inverse squared length scale of the RBF kernel.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data


def rms_dist(x: Float[Array, "d"], z: Float[Array, "d"]) -> Float[Array, ""]:
    """The root-mean-square distance between two molecules.

        dist(x, z) = sqrt( 1/d * sum_i (x_i - z_i)^2 )

    `x` and `z` hold the same d standardised descriptors, which have no units; the answer is one number without units,
    and 0 for equal vectors. Use `jnp`, because later you map this function over all pairs with `jax.vmap`.
    Source: dmol.pub, chapter "Kernel Learning".
    """
    return jnp.sqrt(jnp.mean((x - z) ** 2))


def rbf(x: Float[Array, "d"], z: Float[Array, "d"], gamma: float) -> Float[Array, ""]:
    """The radial basis function (RBF) kernel of two molecules: 1 for equal descriptors, towards 0 far away.

        k(x, z) = exp( -gamma * |x - z|^2 ),   |v|^2 = sum_i v_i^2

    `gamma` > 0 is an inverse squared length, as in scikit-learn; there is no factor 2 and no average over descriptors.
    Use `jnp`: the function should work under `jax.jit` and `jax.vmap`, and its gradient in `x` should be finite
    everywhere, also at x = z.
    """
    return jnp.exp(-gamma * jnp.sum((x - z) ** 2))


def tanimoto(a: Int[Array, "d"], b: Int[Array, "d"]) -> Float[Array, ""]:
    """The Tanimoto similarity of two fingerprints: the share of their features that both molecules have.

        T(a, b) = (number of bits set in both) / (number of bits set in at least one)

    `a` and `b` hold zeros and ones. Two fingerprints without any bit set have similarity 0, which is RDKit's choice.
    The answer is one number between 0 and 1. NumPy is fine here.
    """
    both = jnp.sum(a * b)
    either = jnp.sum(a) + jnp.sum(b) - both
    return both / jnp.maximum(either, 1)


def gram(
    kernel: Callable[[Float[Array, "d"], Float[Array, "d"]], Float[Array, ""]],
    A: Float[Array, "n d"],
    B: Float[Array, "m d"],
) -> Float[Array, "n m"]:
    """The matrix of all kernel values between two sets of molecules.

        K[i, j] = kernel(A[i], B[j])

    `kernel` takes two vectors of length d and returns one number. It is written with `jnp`, and nothing else is known
    about it: in particular kernel(x, z) and kernel(z, x) may differ. `A` and `B` may have different numbers of rows.
    """
    return jax.vmap(lambda a: jax.vmap(lambda b: kernel(a, b))(B))(A)


def rbf_kernel(x: Float[Array, "n d"], y: Float[Array, "m d"], gamma: float) -> Float[Array, "n m"]:
    """The RBF kernel between every row of `x` and every row of `y`.

        K[i, j] = exp( -gamma * |x_i - y_j|^2 )

    The convention for `gamma` is that of `rbf`. The numbers of rows may differ. NumPy is fine here.
    """
    return jnp.exp(-gamma * jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))


def is_psd(K: Float[Array, "n n"], tol: float) -> bool:
    """Whether a symmetric matrix is positive semi-definite, up to rounding.

    A symmetric K is positive semi-definite if v^T K v >= 0 for every vector v. Rounding calls for a little room: the
    answer is True if v^T K v >= -tol for every v of length 1, and False otherwise. Equality counts as True, `tol` >= 0
    is absolute, and `K` is always symmetric. Return a plain `True` or `False`. NumPy is fine here.
    """
    return bool(jnp.linalg.eigvalsh(K)[0] >= -tol)


def dual_predict(X: Float[Array, "m d"], Xtr: Float[Array, "n d"], w: Float[Array, "n"], b: float) -> Float[Array, "m"]:
    """What the dual model predicts for m new molecules.

        yhat_i = b + sum_j w_j * dist(X_i, Xtr_j)

    `dist` is the root-mean-square distance `rms_dist`. `X` holds the new molecules, `Xtr` the n training molecules with
    one weight each in `w`; `b` is a bias. Weights and answer carry the units of the target, here log(mol/L).
    """
    return gram(rms_dist, X, Xtr) @ w + b


def dual_grad(
    w: Float[Array, "n"], b: float, K: Float[Array, "m n"], y: Float[Array, "m"]
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """The gradient of the mean squared error of a dual model, in its weights and in its bias.

        L(w, b) = 1/m * sum_i (yhat_i - y_i)^2,   yhat_i = b + sum_j K[i, j] * w_j

    `K[i, j]` is the kernel value between the i-th molecule of a batch and the j-th training molecule. The batch need
    not be the training set, and the kernel need not be symmetric. Return (dL/dw, dL/db): an array of length n and one
    number. NumPy is fine here.
    """
    residual = K @ w + b - y
    return 2 * K.T @ residual / y.shape[0], 2 * jnp.mean(residual)


def krr_fit(K: Float[Array, "n n"], y: Float[Array, "n"], lam: float) -> Float[Array, "n"]:
    """The weights of kernel ridge regression.

    They are the alpha for which

        (K + lam * I) alpha = y - mean(y)

    `K` is the symmetric, positive semi-definite kernel matrix of the n training molecules, `lam` > 0 the penalty (not
    multiplied by n), I the identity. A prediction is mean(y) + sum_j alpha_j k(x, x_j). NumPy is fine here.
    Source: Murphy, Probabilistic Machine Learning: An Introduction, chapter 17; here with centred targets.
    """
    return jnp.linalg.solve(K + lam * jnp.eye(y.shape[0]), y - jnp.mean(y))


def krr_loo(K: Float[Array, "n n"], y: Float[Array, "n"], lam: float) -> Float[Array, "n"]:
    """The leave-one-out residuals of kernel ridge regression: observed minus predicted, each molecule left out once.

        r_i = y_i - (prediction for molecule i by the model that was fitted to all other molecules)

    `K`, `y` and `lam` are those of `krr_fit`, and n >= 2. The mean stays that of *all* n targets in every fit: only the
    weights are found without molecule i. The units are those of `y`. NumPy is fine here.
    """
    inverse = jnp.linalg.inv(K + lam * jnp.eye(y.shape[0]))
    return krr_fit(K, y, lam) / jnp.diagonal(inverse)


def learning_curve(
    sizes: Sequence[int],
    key: PRNGKeyArray,
    fit: Callable[[Int[Array, "size"]], Any],
    score: Callable[[Any], float],
) -> Float[Array, "s"]:
    """How good a model becomes with more training rows: one score for each size, in the order of `sizes`.

    For each size, choose that many different rows out of 0, 1, ..., max(sizes) - 1, call `model = fit(rows)` once with
    their numbers as an integer array, and `score(model)` once. The answer holds the scores as they are.

    The choice is random and decided by `key` alone, made by `jax.random.key`. The choices are nested: the rows of a
    smaller size are among those of every larger size. `sizes` holds positive integers in any order, none twice. What
    `fit` and `score` do is none of this function's business.
    """
    rows = jax.random.permutation(key, max(sizes))
    return jnp.array([score(fit(rows[:size])) for size in sizes], dtype=float)


class KernelRidge:
    """Kernel ridge regression with the RBF kernel, used like a model of scikit-learn.

    `KernelRidge(gamma, lam)` keeps the two settings. `fit(X, y)` learns from n molecules and returns the model itself;
    fitting again forgets what was learnt before. `predict(X)` returns one prediction for each row:

        yhat(x) = mean(y) + sum_j alpha_j * exp( -gamma * |x - x_j|^2 ),   (K + lam * I) alpha = y - mean(y)

    with the training molecules x_j, their targets y and their kernel matrix K. You may call your earlier functions.
    """

    def __init__(self, gamma: float, lam: float):
        self.gamma, self.lam = gamma, lam

    def fit(self, X: Float[Array, "n d"], y: Float[Array, "n"]) -> "KernelRidge":
        self.X, self.mean = X, jnp.mean(y)
        self.alpha = krr_fit(rbf_kernel(X, X, self.gamma), y, self.lam)
        return self

    def predict(self, X: Float[Array, "m d"]) -> Float[Array, "m"]:
        return self.mean + rbf_kernel(X, self.X, self.gamma) @ self.alpha


class KernelRidgeRegressor(RegressorMixin, BaseEstimator):
    """The same model, as an estimator that every tool of scikit-learn can use.

    `KernelRidgeRegressor(gamma=1.0, lam=1.0)` fits and predicts as `KernelRidge` does, and keeps scikit-learn's rules:

    - `__init__` stores the settings under their own names, unchanged, and does nothing else;
    - `fit(X, y)` first has scikit-learn's `validate_data` look at both (with `y_numeric=True`): it gives back proper
      arrays, refuses what is no table of numbers, and remembers how many columns there were. What is learnt gets names
      that end in `_`; the settings stay as they are; `fit` returns the model itself;
    - `predict(X)` first asks `check_is_fitted`, then validates its table with `reset=False`, and changes nothing.
    """

    def __init__(self, gamma: float = 1.0, lam: float = 1.0):
        self.gamma = gamma
        self.lam = lam

    def fit(self, X: Float[Array, "n d"], y: Float[Array, "n"]) -> "KernelRidgeRegressor":
        X, y = validate_data(self, X, y, y_numeric=True)
        self.X_, self.mean_ = X, y.mean()
        self.alpha_ = krr_fit(rbf_kernel(X, X, self.gamma), y, self.lam)
        return self

    def predict(self, X: Float[Array, "m d"]) -> Float[Array, "m"]:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.mean_ + rbf_kernel(X, self.X_, self.gamma) @ self.alpha_
