# expect: dual_grad=0/4 krr_fit=0/4 krr_loo=4/4 KernelRidge=3/3 mistake:dual_grad=sign_reversed mistake:krr_fit=not_centred carried:krr_loo carried:KernelRidge
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
    error = y - (K @ w + b)
    return 2 * K.T @ error / len(y), 2 * error.mean()


# %%
def krr_fit(K, y, lam):
    return jnp.linalg.inv(K + lam * jnp.eye(K.shape[0])) @ y


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
