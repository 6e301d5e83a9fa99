# expect: score=19/43 rms_dist=2/2 rbf=3/3 tanimoto=3/3 gram=4/4 rbf_kernel=4/4 is_psd=3/3 missing:dual_predict missing:dual_grad missing:krr_fit missing:krr_loo missing:learning_curve missing:KernelRidge missing:KernelRidgeRegressor
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
    raise NotImplementedError


# %%
def dual_grad(w, b, K, y):
    r = K @ w + b - y
    return 2 *


# %%
def krr_fit(K, y, lam):
    raise NotImplementedError


# %%
def krr_loo(K, y, lam):
    raise NotImplementedError


# %%
def learning_curve(sizes, key, fit, score):
    raise NotImplementedError


# %%
class KernelRidge:
    def __init__(self, gamma, lam):
        raise NotImplementedError

    def fit(self, X, y):
        raise NotImplementedError

    def predict(self, X):
        raise NotImplementedError
