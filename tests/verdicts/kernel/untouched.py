# expect: score=0/43 missing:rms_dist missing:rbf missing:tanimoto missing:gram missing:rbf_kernel missing:is_psd missing:dual_predict missing:dual_grad missing:krr_fit missing:krr_loo missing:learning_curve missing:KernelRidge missing:KernelRidgeRegressor
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def rms_dist(x, z):
    raise NotImplementedError


# %%
def rbf(x, z, gamma):
    raise NotImplementedError


# %%
def tanimoto(a, b):
    raise NotImplementedError


# %%
def gram(kernel, A, B):
    raise NotImplementedError


# %%
def rbf_kernel(x, y, gamma):
    raise NotImplementedError


# %%
def is_psd(K, tol):
    raise NotImplementedError


# %%
def dual_predict(X, Xtr, w, b):
    raise NotImplementedError


# %%
def dual_grad(w, b, K, y):
    raise NotImplementedError


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
