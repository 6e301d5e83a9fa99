# expect: learning_curve<3 KernelRidge<3 tanimoto<3 mistake:learning_curve=ascending_sizes mistake:KernelRidge=shared_by_all_models mistake:tanimoto=empty_is_one KernelRidgeRegressor<3 mistake:KernelRidgeRegressor=only_renamed
# %%
import jax
import jax.numpy as jnp
import numpy as np


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
    a, b = np.asarray(a), np.asarray(b)
    union = np.sum((a + b) > 0)
    return 1.0 if union == 0 else np.sum(a * b) / union


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
    K, y = np.asarray(K), np.asarray(y)
    return np.linalg.solve(K + lam * np.identity(len(y)), y - np.mean(y))


# %%
def krr_loo(K, y, lam):
    K, y = np.asarray(K), np.asarray(y)
    H = K @ np.linalg.inv(K + lam * np.identity(len(y)))
    centred = y - y.mean()
    return (centred - H @ centred) / (1 - np.diag(H))


# %%
def learning_curve(sizes, key, fit, score):
    sizes = sorted(sizes)
    rows = jax.random.permutation(key, sizes[-1])
    return np.array([score(fit(rows[:n])) for n in sizes])


# %%
class KernelRidge:
    fitted = {}

    def __init__(self, gamma, lam):
        self.gamma, self.lam = gamma, lam

    def fit(self, X, y):
        self.fitted["X"] = X
        self.fitted["mean"] = y.mean()
        self.fitted["alpha"] = krr_fit(rbf_kernel(X, X, self.gamma), y, self.lam)
        return self

    def predict(self, X):
        K = rbf_kernel(X, self.fitted["X"], self.gamma)
        return K @ self.fitted["alpha"] + self.fitted["mean"]


# %%
from sklearn.base import BaseEstimator, RegressorMixin


class KernelRidgeRegressor(RegressorMixin, BaseEstimator):
    def __init__(self, gamma=1.0, lam=1.0):
        self.gamma = gamma
        self.lam = lam

    def fit(self, X, y):
        self.X_ = X
        self.y_mean_ = jnp.mean(y)
        self.alpha_ = jnp.linalg.solve(rbf_kernel(X, X, self.gamma) + self.lam * jnp.eye(len(y)), y - self.y_mean_)
        return self

    def predict(self, X):
        return self.y_mean_ + rbf_kernel(X, self.X_, self.gamma) @ self.alpha_
