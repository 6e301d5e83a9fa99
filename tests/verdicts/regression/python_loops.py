# expect: score=43/43
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def ols(X, y):
    n, d = X.shape
    X, y = np.asarray(X, dtype=np.float64).tolist(), np.asarray(y, dtype=np.float64).tolist()
    means = [sum(row[j] for row in X) / n for j in range(d)]
    level = sum(y) / n
    C = np.zeros((d, d))
    c = np.zeros(d)
    for row, target in zip(X, y):
        for i in range(d):
            c[i] += (row[i] - means[i]) * (target - level)
            for j in range(d):
                C[i, j] += (row[i] - means[i]) * (row[j] - means[j])
    values, vectors = np.linalg.eigh(C)
    w = np.zeros(d)
    for value, v in zip(values, vectors.T):
        if value > 1e-8 * max(values):
            w += v * (v @ c) / value
    return w, level - sum(m * x for m, x in zip(means, w))


# %%
def ridge(X, y, lam):
    # gradient descent until nothing moves any more, in double precision
    X, y = np.array(X, dtype=np.float64), np.array(y, dtype=np.float64)
    mean, level = X.mean(axis=0), y.mean()
    Z = X - mean
    H = Z.T @ Z / len(y) + lam * np.eye(X.shape[1])
    step = 1 / np.trace(H)
    w = np.zeros(X.shape[1])
    for _ in range(20000):
        g = H @ w - Z.T @ (y - level) / len(y)
        if np.abs(g).max() < 1e-9:
            break
        w = w - step * g
    return w, level - mean @ w


# %%
def ridge_grad(w, b, X, y, lam):
    n, d = X.shape
    gw = [2 * lam * float(w[j]) for j in range(d)]
    gb = 0.0
    for i in range(n):
        r = b - float(y[i])
        for j in range(d):
            r += float(X[i, j]) * float(w[j])
        gb += 2 * r / n
        for j in range(d):
            gw[j] += 2 * r * float(X[i, j]) / n
    return np.array(gw), gb


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
    L, n = pred.shape
    bias2 = variance = 0.0
    for i in range(n):
        column = [float(p) for p in pred[:, i]]
        mean = sum(column) / L
        bias2 += (mean - float(f[i])) ** 2 / n
        variance += sum((c - mean) ** 2 for c in column) / L / n
    return bias2, variance


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
