# %% tags=["author"]
import numpy as np
from solutions import halves

from autograder.author import exercise, written

# %% [markdown]
# # Halves

# %%
import jax.numpy as jnp

from autograder.client import check

# %%
halfway = exercise(halves.halfway, points=2, hints=("What is halfway between 0 and 1?",))
halfway.probe("three dimensions", d=3)
halfway.probe("two dimensions", d=2, hidden=True)
halfway.probe("seven dimensions", d=7, hidden=True)


@halfway.mistake
def not_halved(x, z):
    """You added the points, but half of that sum lies in the middle."""
    return x + z


@halfway.oracle
def mean(x, z):
    return np.mean([x, z], axis=0)


# %%
why = written("why", "Why does the order of the points not matter?", points=2, rubric="Names that sums commute.")
