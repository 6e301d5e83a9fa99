# %% tags=["author"]
import numpy as np
from jaxtyping import Array, Float
from solutions import kinds

from autograder.author import exercise, given
from autograder.estimator_laws import scikit_learn_laws

# %% [markdown]
# # Kinds

# %%
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras

from autograder.client import check

# %%
Mean = exercise(kinds.Mean, points=4)
Mean.probe("five rows", n=5, m=3, d=2, shrink=0.25, then=("fit", "predict"))
Mean.probe("seven rows", n=7, m=2, d=3, shrink=0.75, then=("fit", "predict"), hidden=True)
scikit_learn_laws(Mean)


# %% tags=["author"]
def with_weight(layer, X, W):
    layer(X)
    layer.set_weights([np.asarray(W)])
    return layer(X)


with_weight = given(with_weight, X=Float[Array, "n d"], W=Float[Array, "d k"], returns=Float[Array, "n k"])

# %%
Squares = exercise(kinds.Squares, points=3)
Squares.probe("four rows", n=4, d=3, k=2, then=(with_weight,))
Squares.probe("two rows", n=2, d=2, k=3, then=(with_weight,), hidden=True)
Squares.probe("one row", n=1, d=4, k=2, then=(with_weight,), hidden=True)
