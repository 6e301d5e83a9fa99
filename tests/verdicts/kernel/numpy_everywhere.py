# expect: score=43/43
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
    a, b = np.asarray(a).astype(bool), np.asarray(b).astype(bool)
    union = np.logical_or(a, b).sum()
    if union == 0:
        return 0.0
    return np.logical_and(a, b).sum() / union


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
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import check_is_fitted


class KernelRidgeRegressor(RegressorMixin, BaseEstimator):
    def __init__(self, gamma=1.0, lam=1.0):
        self.gamma = gamma
        self.lam = lam

    def fit(self, X, y):
        X, y = check_X_y(X, y, y_numeric=True)
        self.n_features_in_ = X.shape[1]
        self.X_ = np.array(X, dtype=float)
        self.mean_ = np.mean(y)
        D = ((self.X_[:, None, :] - self.X_[None, :, :]) ** 2).sum(axis=2)
        A = np.exp(-self.gamma * D)
        A.flat[:: len(A) + 1] += self.lam
        self.alpha_ = np.linalg.solve(A, y - self.mean_)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = check_array(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features, but KernelRidgeRegressor is expecting {self.n_features_in_} features as input.")
        D = ((X[:, None, :] - self.X_[None, :, :]) ** 2).sum(axis=2)
        return np.exp(-self.gamma * D) @ self.alpha_ + self.mean_
