# expect: score=12/12
# no twin: it is honest work, and no trick
# Honest work, in other words than the reference's, so that a line of the reference is recognised wherever it turns up.

# %% halfway
def halfway(x, z):
    return 0.5 * x + 0.5 * z

# %% sqdist
def sqdist(x, z):
    gap = x - z
    return gap @ gap

# %% table
import jax.numpy as jnp

def table(f, A, B):
    return jnp.array([[f(a, b) for b in B] for a in A])

# %% nearest
def nearest(A, B):
    return ((A[:, None, :] - B[None, :, :]) ** 2).sum(axis=2).min(axis=1)

# %% Line
class Line:
    def __init__(self, lam):
        self.penalty = lam

    def fit(self, x, y):
        self.slope = (x * y).sum() / ((x * x).sum() + self.penalty)

    def predict(self, x):
        return x * self.slope

# %% visits
def visits(places, call):
    count = 0
    for p in places:
        call(p)
        count += 1
    return count
