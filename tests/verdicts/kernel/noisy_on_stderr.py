# expect: score=43/43
# %%
import logging
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("jax").setLevel(logging.WARNING)
warnings.simplefilter("always")
print("starting my notebook", file=sys.stderr)


# %%
def rms_dist(x, z):
    # jnp, because it is mapped later
    return jnp.linalg.norm(x - z) / np.sqrt(x.shape[0])


# %%
def rbf(x, z, gamma):
    diff = x - z
    return jnp.exp(-gamma * jnp.dot(diff, diff))


# %%
def tanimoto(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    warnings.warn("dividing now, hope this is fine")
    with np.errstate(divide="warn", invalid="warn"):
        value = np.dot(a, b) / (a.sum() + b.sum() - np.dot(a, b))
    return 0.0 if np.isnan(value) else value


# %%
def gram(kernel, A, B):
    return np.array([[kernel(a, b) for b in B] for a in A])


# %%
def rbf_kernel(x, y, gamma):
    x, y = np.asarray(x), np.asarray(y)
    sq = (x**2).sum(axis=1)[:, np.newaxis] + (y**2).sum(axis=1)[np.newaxis] - 2 * np.dot(x, y.T)
    return np.exp(-gamma * np.clip(sq, 0, None))


# %%
def is_psd(K, tol):
    return np.linalg.eigvalsh(np.array(K)).min() >= -tol


# %%
def dual_predict(X, Xtr, w, b):
    X, Xtr, w = np.asarray(X), np.asarray(Xtr), np.asarray(w)
    dist = np.sqrt(np.mean((X[:, None] - Xtr[None]) ** 2, axis=-1))
    return np.dot(dist, w) + b


# %%
def dual_grad(w, b, K, y):
    w, K, y = np.asarray(w), np.asarray(K), np.asarray(y)
    residual = np.dot(K, w) + b - y
    return 2 * np.dot(residual, K) / len(y), 2 * residual.mean()


# %%
def krr_fit(K, y, lam):
    print("condition number:", np.linalg.cond(np.asarray(K)), file=sys.stderr)
    logging.warning("solving a system of size %d", len(y))
    K64, y64 = jnp.asarray(K, jnp.float64), jnp.asarray(y, jnp.float64)  # JAX warns that float64 is not there
    return jnp.linalg.solve(K64 + lam * jnp.eye(len(y)), y64 - y64.mean())


# %%
def krr_loo(K, y, lam):
    K, y = np.asarray(K), np.asarray(y)
    H = K @ np.linalg.inv(K + lam * np.identity(len(y)))
    centred = y - y.mean()
    return (centred - H @ centred) / (1 - np.diag(H))


# %%
def learning_curve(sizes, key, fit, score):
    rows = np.asarray(jax.random.permutation(key, max(sizes)))
    return np.array([score(fit(rows[:s])) for s in sizes])


# %%
class KernelRidge:
    def __init__(self, gamma, lam):
        self.gamma, self.lam = gamma, lam

    def fit(self, X, y):
        self.X_, self.ymean_ = np.array(X), float(np.mean(y))
        K = rbf_kernel(self.X_, self.X_, self.gamma)
        self.coef_ = np.linalg.inv(K + self.lam * np.eye(len(K))) @ (np.array(y) - self.ymean_)
        return self

    def predict(self, X):
        return np.dot(rbf_kernel(np.array(X), self.X_, self.gamma), self.coef_) + self.ymean_


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
