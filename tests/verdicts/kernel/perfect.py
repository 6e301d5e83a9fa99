# expect: score=43/43
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def rms_dist(x, z):
    d = x - z
    return jnp.sqrt(jnp.mean(d * d))


# %%
def rbf(x, z, gamma):
    d = x - z
    return jnp.exp(-gamma * jnp.sum(d * d))


# %%
def tanimoto(a, b):
    common = jnp.sum(a & b)
    union = jnp.sum(a | b)
    return jnp.where(union > 0, common / jnp.where(union > 0, union, 1), 0.0)


# %%
def gram(kernel, A, B):
    row = jax.vmap(kernel, in_axes=(None, 0))
    return jax.vmap(row, in_axes=(0, None))(A, B)


# %%
def rbf_kernel(x, y, gamma):
    diff = x[:, None, :] - y[None, :, :]
    return jnp.exp(-gamma * (diff**2).sum(axis=2))


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
    r = K @ w + b - y
    n = len(y)
    return 2 / n * K.T @ r, 2 / n * jnp.sum(r)


# %%
def krr_fit(K, y, lam):
    n = len(y)
    return jnp.linalg.solve(K + lam * jnp.eye(n), y - y.mean())


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
class KernelRidge:
    def __init__(self, gamma, lam):
        self.gamma = gamma
        self.lam = lam

    def fit(self, X, y):
        self.X_train = X
        self.y_mean = y.mean()
        K = rbf_kernel(X, X, self.gamma)
        self.alpha = krr_fit(K, y, self.lam)
        return self

    def predict(self, X):
        return rbf_kernel(X, self.X_train, self.gamma) @ self.alpha + self.y_mean


# %%
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class KernelRidgeRegressor(RegressorMixin, BaseEstimator):
    def __init__(self, gamma=1.0, lam=1.0):
        self.gamma = gamma
        self.lam = lam

    def fit(self, X, y):
        X, y = validate_data(self, X, y, y_numeric=True)
        self.model_ = KernelRidge(self.gamma, self.lam).fit(X, y)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.model_.predict(X)
