# expect: score=43/43
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def ols(X, y):
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    w = np.linalg.pinv(X - X.mean(0), rcond=1e-6) @ (y - y.mean())
    return w, y.mean() - X.mean(0) @ w


# %%
def ridge(X, y, lam):
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    A = np.column_stack([X, np.ones(len(y))])
    P = np.diag([lam] * X.shape[1] + [0.0])
    sol = np.linalg.solve(A.T @ A / len(y) + P, A.T @ y / len(y))
    return sol[:-1], sol[-1]


# %%
def ridge_grad(w, b, X, y, lam):
    w, X, y = np.asarray(w), np.asarray(X), np.asarray(y)
    r = y - (X @ w + b)
    return -2 * X.T @ r / len(y) + 2 * lam * w, -2 * r.mean()


# %%
def lasso_ista(X, y, lam, eta, steps):
    X, y = np.asarray(X), np.asarray(y)
    w = np.zeros(X.shape[1])
    for _ in range(steps):
        u = w - 2 * eta * X.T @ (X @ w - y) / len(y)
        w = np.sign(u) * np.clip(np.abs(u) - eta * lam, 0, None)
    return w


# %%
def kfold(key, n, k):
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    idx = rng.permutation(n)
    edges = np.linspace(0, n, k + 1).astype(int)
    return [(np.delete(idx, np.s_[a:b]), idx[a:b]) for a, b in zip(edges[:-1], edges[1:])]


# %%
def cv_mse(X, y, k, fit, predict, scale=True):
    X, y = np.array(X), np.array(y)
    predicted = np.zeros(len(y))
    for block in np.array_split(np.arange(len(y)), k):
        mask = np.ones(len(y), dtype=bool)
        mask[block] = False
        mu, sd = X[mask].mean(0), X[mask].std(0)
        sd[sd == 0] = 1
        Z = (X - mu) / sd if scale else X
        predicted[block] = predict(fit(Z[mask], y[mask]), Z[block])
    return np.mean((predicted - y) ** 2)


# %%
def bias_variance(pred, f):
    pred, f = np.array(pred), np.array(f)
    mse = np.mean((pred - f) ** 2)
    variance = np.mean(np.var(pred, axis=0))
    return mse - variance, variance


# %%
def jackknife_plus(X, y, x0, alpha):
    X, y, x0 = np.asarray(X), np.asarray(y), np.asarray(x0)
    n = len(y)
    lo, hi = np.zeros((n, len(x0))), np.zeros((n, len(x0)))
    for i in range(n):
        w, b = ols(np.delete(X, i, axis=0), np.delete(y, i))
        R = np.abs(y[i] - X[i] @ w - b)
        lo[i], hi[i] = x0 @ w + b - R, x0 @ w + b + R
    lo, hi = np.sort(lo, axis=0), np.sort(hi, axis=0)[::-1]
    q = int(alpha * (n + 1))
    if q < 1:
        return lo[0] - np.inf, hi[0] + np.inf
    return lo[q - 1], hi[q - 1]


# %%
def leave_one_group_out(X, y, g):
    X, y, g = np.asarray(X), np.asarray(y), np.asarray(g)
    sq = np.zeros(len(y))
    labels = sorted(set(g.tolist()))
    for label in labels:
        w, b = ols(X[g != label], y[g != label])
        sq[g == label] = (X[g == label] @ w + b - y[g == label]) ** 2
    E = np.array([sq[g == label].mean() for label in labels])
    return E, sq.mean(), E.mean()


# %%
def scaffold_split(smiles, frac):
    from rdkit import Chem
    from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

    cores = np.array([Chem.MolToSmiles(GetScaffoldForMol(Chem.MolFromSmiles(s))) for s in smiles])
    names, counts = np.unique(cores, return_counts=True)
    test = np.zeros(len(smiles), dtype=bool)
    for name in names[np.argsort(counts, kind="stable")]:
        if test.sum() >= frac * len(smiles):
            break
        test |= cores == name
    return np.flatnonzero(~test), np.flatnonzero(test)


# %%
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class RidgeRegressor(RegressorMixin, BaseEstimator):
    def __init__(self, lam=1.0):
        self.lam = lam

    def fit(self, X, y):
        X, y = validate_data(self, X, y, y_numeric=True)
        self.coef_, self.intercept_ = ridge(X, y, self.lam)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return X @ self.coef_ + self.intercept_
