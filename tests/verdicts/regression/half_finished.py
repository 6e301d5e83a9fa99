# expect: score=21/43 ols=5/5 kfold=4/4 missing:cv_mse missing:bias_variance missing:jackknife_plus missing:leave_one_group_out missing:scaffold_split missing:RidgeRegressor
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
def cv_mse(*args, **kwargs):
    raise NotImplementedError


# %%
def bias_variance(*args, **kwargs):
    raise NotImplementedError


# %%
def jackknife_plus(*args, **kwargs):
    raise NotImplementedError


# %%
def leave_one_group_out(*args, **kwargs):
    raise NotImplementedError


# %%
def scaffold_split(*args, **kwargs):
    raise NotImplementedError
