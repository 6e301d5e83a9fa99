# expect: score=43/43
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def rms_dist(x, z):
    s = 0
    for i in range(len(x)):
        s = s + (x[i] - z[i]) ** 2
    return jnp.sqrt(s / len(x))


# %%
def rbf(x, z, gamma):
    s = 0.0
    for i in range(len(x)):
        s += (x[i] - z[i]) ** 2
    return jnp.exp(-gamma * s)


# %%
def tanimoto(a, b):
    a = [int(v) for v in a]
    b = [int(v) for v in b]
    both = 0
    either = 0
    for i in range(len(a)):
        if a[i] == 1 and b[i] == 1:
            both += 1
        if a[i] == 1 or b[i] == 1:
            either += 1
    if either == 0:
        return 0.0
    return both / either


# %%
def gram(kernel, A, B):
    K = []
    for i in range(len(A)):
        row = []
        for j in range(len(B)):
            row.append(float(kernel(A[i], B[j])))
        K.append(row)
    return jnp.array(K)


# %%
def rbf_kernel(x, y, gamma):
    x, y = np.array(x), np.array(y)
    K = np.zeros((len(x), len(y)))
    for i in range(len(x)):
        for j in range(len(y)):
            K[i, j] = np.exp(-gamma * sum((x[i] - y[j]) ** 2))
    return K


# %%
def is_psd(K, tol):
    for value in np.linalg.eigvalsh(np.array(K)):
        if value < -tol:
            return False
    return True


# %%
def dual_predict(X, Xtr, w, b):
    out = []
    for i in range(len(X)):
        total = b
        for j in range(len(Xtr)):
            total = total + w[j] * rms_dist(X[i], Xtr[j])
        out.append(total)
    return jnp.array(out)


# %%
def dual_grad(w, b, K, y):
    w, K, y = np.array(w), np.array(K), np.array(y)
    m, n = K.shape
    gw = np.zeros(n)
    gb = 0.0
    for i in range(m):
        prediction = b
        for j in range(n):
            prediction += K[i, j] * w[j]
        for j in range(n):
            gw[j] += 2 * (prediction - y[i]) * K[i, j] / m
        gb += 2 * (prediction - y[i]) / m
    return gw, gb


# %%
def krr_fit(K, y, lam):
    M = np.array(K)
    for i in range(len(M)):
        M[i, i] += lam
    return np.linalg.inv(M) @ (np.array(y) - np.mean(np.array(y)))


# %%
def krr_loo(K, y, lam):
    K, y = np.array(K), np.array(y)
    yc = y - y.mean()
    r = []
    for i in range(len(y)):
        others = [j for j in range(len(y)) if j != i]
        Ki = K[np.ix_(others, others)]
        alpha = np.linalg.solve(Ki + lam * np.eye(len(others)), yc[others])
        r.append(yc[i] - K[i, others] @ alpha)
    return np.array(r)


# %%
def learning_curve(sizes, key, fit, score):
    order = jax.random.permutation(key, jnp.arange(max(sizes)))
    curve = np.zeros(len(sizes))
    for k in range(len(sizes)):
        rows = []
        for i in range(sizes[k]):
            rows.append(int(order[i]))
        curve[k] = score(fit(np.array(rows)))
    return curve


# %%
class KernelRidge:
    def __init__(self, gamma, lam):
        self.gamma = gamma
        self.lam = lam

    def fit(self, X, y):
        self.X = X
        self.mean = float(np.mean(np.array(y)))
        self.alpha = krr_fit(rbf_kernel(X, X, self.gamma), y, self.lam)
        return self

    def predict(self, X):
        K = rbf_kernel(X, self.X, self.gamma)
        out = []
        for i in range(len(X)):
            s = self.mean
            for j in range(len(self.alpha)):
                s = s + K[i, j] * self.alpha[j]
            out.append(s)
        return np.array(out)


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
