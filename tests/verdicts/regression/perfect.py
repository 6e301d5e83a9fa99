# expect: score=43/43
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def ols(X, y):
    xm, ym = X.mean(axis=0), y.mean()
    w = jnp.linalg.lstsq(X - xm, y - ym)[0]
    return w, ym - xm @ w


# %%
def ridge(X, y, lam):
    n = len(y)
    xm, ym = X.mean(axis=0), y.mean()
    Xc = X - xm
    w = jnp.linalg.inv(Xc.T @ Xc / n + lam * jnp.identity(X.shape[1])) @ (Xc.T @ (y - ym) / n)
    return w, ym - xm @ w


# %%
def ridge_grad(w, b, X, y, lam):
    def loss(w, b):
        return jnp.mean((X @ w + b - y) ** 2) + lam * jnp.sum(w**2)

    return jax.grad(loss, argnums=(0, 1))(w, float(b))


# %%
def soft(u, t):
    return jnp.where(u > t, u - t, jnp.where(u < -t, u + t, 0.0))


def lasso_ista(X, y, lam, eta, steps):
    w = jnp.zeros(X.shape[1])
    for step in range(steps):
        g = 2 / len(y) * X.T @ (X @ w - y)
        w = soft(w - eta * g, eta * lam)
    return w


# %%
def kfold(key, n, k):
    idx = jax.random.permutation(key, n)
    parts = jnp.array_split(idx, k)
    folds = []
    for i in range(k):
        rest = [parts[j] for j in range(k) if j != i]
        folds.append((jnp.concatenate(rest), parts[i]))
    return folds


# %%
def cv_mse(X, y, k, fit, predict, scale=True):
    err = []
    for te in np.array_split(np.arange(len(y)), k):
        tr = np.setdiff1d(np.arange(len(y)), te)
        Xtr, Xte = X[tr], X[te]
        if scale:
            m, s = Xtr.mean(axis=0), Xtr.std(axis=0)
            s = jnp.where(s == 0, 1.0, s)
            Xtr, Xte = (Xtr - m) / s, (Xte - m) / s
        model = fit(Xtr, y[tr])
        err.append((predict(model, Xte) - y[te]) ** 2)
    return jnp.mean(jnp.concatenate(err))


# %%
def bias_variance(pred, f):
    return jnp.mean((pred.mean(axis=0) - f) ** 2), jnp.mean(pred.var(axis=0))


# %%
def jackknife_plus(X, y, x0, alpha):
    n = len(y)
    q = int(np.floor(alpha * (n + 1)))
    if q == 0:
        return np.full(len(x0), -np.inf), np.full(len(x0), np.inf)
    lo, hi = [], []
    for i in range(n):
        keep = np.arange(n) != i
        w, b = ols(X[keep], y[keep])
        R = abs(y[i] - (X[i] @ w + b))
        lo.append(x0 @ w + b - R)
        hi.append(x0 @ w + b + R)
    return np.sort(np.array(lo), axis=0)[q - 1], np.sort(np.array(hi), axis=0)[n - q]


# %%
def leave_one_group_out(X, y, g):
    g = np.asarray(g)
    per, everything = [], []
    for label in np.unique(g):
        errors = []
        w, b = ols(X[g != label], y[g != label])
        errors.extend(np.asarray((X[g == label] @ w + b - y[g == label]) ** 2))
        per.append(np.mean(errors))
        everything.extend(errors)
    return np.array(per), np.mean(everything), np.mean(per)


# %%
def scaffold_split(smiles, frac):
    from rdkit.Chem.Scaffolds import MurckoScaffold

    groups = {}
    for i, s in enumerate(smiles):
        groups.setdefault(MurckoScaffold.MurckoScaffoldSmiles(smiles=s), []).append(i)
    order = sorted(groups, key=lambda core: (len(groups[core]), core))
    test = []
    while len(test) < frac * len(smiles):
        test.extend(groups[order.pop(0)])
    train = [i for i in range(len(smiles)) if i not in test]
    return np.array(train, dtype=int), np.array(sorted(test), dtype=int)


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
