# expect: score=0/43 missing:ols missing:ridge missing:ridge_grad missing:lasso_ista missing:kfold missing:cv_mse missing:bias_variance missing:jackknife_plus missing:leave_one_group_out missing:scaffold_split missing:RidgeRegressor
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def ols(*args, **kwargs):
    raise NotImplementedError


# %%
def ridge(*args, **kwargs):
    raise NotImplementedError


# %%
def ridge_grad(*args, **kwargs):
    raise NotImplementedError


# %%
def lasso_ista(*args, **kwargs):
    raise NotImplementedError


# %%
def kfold(*args, **kwargs):
    raise NotImplementedError


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
