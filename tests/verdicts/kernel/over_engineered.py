# expect: score=43/43
# %%
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

Kernel = Callable[[jax.Array, jax.Array], jax.Array]


# %%
def _squares(x: jax.Array, z: jax.Array) -> jax.Array:
    """Element-wise squared differences."""
    return jnp.square(jnp.subtract(x, z))


# %%
@jax.jit
def rms_dist(x: jax.Array, z: jax.Array) -> jax.Array:
    return _squares(x, z).mean() ** 0.5


# %%
@partial(jax.jit, static_argnames=())
def rbf(x: jax.Array, z: jax.Array, gamma: float = 1.0) -> jax.Array:
    return jnp.exp(jnp.negative(gamma) * _squares(x, z).sum())


# %%
def tanimoto(a, b):
    common = jnp.sum(a & b)
    union = jnp.sum(a | b)
    return jnp.where(union > 0, common / jnp.where(union > 0, union, 1), 0.0)


# %%
@dataclass(frozen=True)
class PairwiseEvaluator:
    """Evaluates a kernel on the Cartesian product of two sets."""

    kernel: Kernel
    chunk: int = 3
    statistics: dict = field(default_factory=dict)

    def chunks(self, A: jax.Array) -> Iterator[jax.Array]:
        for start in range(0, A.shape[0], self.chunk):
            yield A[start : start + self.chunk]

    def __call__(self, A: jax.Array, B: jax.Array) -> jax.Array:
        against_all = jax.vmap(jax.vmap(self.kernel, (None, 0)), (0, None))
        blocks = [against_all(part, B) for part in self.chunks(A)]
        self.statistics["blocks"] = len(blocks)
        return reduce(lambda a, b: jnp.concatenate([a, b]), blocks)


# %%
def gram(kernel: Kernel, A: jax.Array, B: jax.Array, *, chunk: int = 3) -> jax.Array:
    return PairwiseEvaluator(kernel, chunk)(A, B)


# %%
def rbf_kernel(x: jax.Array, y: jax.Array, gamma: float) -> jax.Array:
    return gram(partial(rbf, gamma=gamma), x, y)


# %%
def is_psd(K, tol):
    smallest = jnp.min(jnp.linalg.eigvalsh(K))
    return bool(smallest >= -tol)


# %%
def dual_predict(X, Xtr, w, b):
    K = gram(rms_dist, X, Xtr)
    return K @ w + b


# %%
def dual_grad(w, b, K, y):
    @partial(jax.value_and_grad, argnums=(0, 1))
    def loss(w, b):
        return jnp.mean(jnp.square(jnp.einsum("mn,n->m", K, w) + b - y))

    _, gradient = loss(w, jnp.float32(b))
    return gradient


# %%
@lru_cache(maxsize=None)
def _identity(n: int) -> np.ndarray:
    return np.eye(n)


# %%
def krr_fit(K, y, lam):
    factor = jax.scipy.linalg.cho_factor(K + lam * _identity(K.shape[0]))
    return jax.scipy.linalg.cho_solve(factor, y - jnp.average(y))


# %%
def krr_loo(K, y, lam):
    G = jnp.linalg.inv(K + lam * jnp.eye(len(y)))
    return krr_fit(K, y, lam) / jnp.diag(G)


# %%
def learning_curve(sizes, key, fit, score):
    order = jax.random.permutation(key, max(sizes))
    scores = []
    for size in sizes:
        model = fit(order[:size])
        scores.append(score(model))
    return jnp.array(scores)


# %%
@dataclass
class FittedState:
    points: jax.Array
    alpha: jax.Array
    mean: jax.Array


# %%
class KernelRidge:
    """Kernel ridge regression with pluggable parts."""

    def __init__(self, gamma: float, lam: float, *, kernel: Callable | None = None):
        self._kernel = partial(kernel or rbf_kernel, gamma=gamma)
        self._lam = lam
        self._state: FittedState | None = None

    def fit(self, X, y) -> KernelRidge:
        self._state = FittedState(X, krr_fit(self._kernel(X, X), y, self._lam), jnp.mean(y))
        return self

    @property
    def is_fitted(self) -> bool:
        return self._state is not None

    def predict(self, X):
        if not self.is_fitted:
            raise RuntimeError("call fit first")
        state = self._state
        return state.mean + self._kernel(X, state.points) @ state.alpha


# %%
class KernelRidgeRegressor(RegressorMixin, BaseEstimator):
    """The same with scikit-learn's manners; what is learnt lives in one frozen object."""

    def __init__(self, gamma: float = 1.0, lam: float = 1.0):
        self.gamma = gamma
        self.lam = lam

    def _kernel(self, X, Z):
        return rbf_kernel(X, Z, self.gamma)

    def fit(self, X, y) -> KernelRidgeRegressor:
        X, y = validate_data(self, X, y, y_numeric=True)
        self.state_ = FittedState(jnp.asarray(X), krr_fit(self._kernel(X, X), jnp.asarray(y), self.lam), jnp.mean(y))
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "state_")

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return np.asarray(self.state_.mean + self._kernel(X, self.state_.points) @ self.state_.alpha)
