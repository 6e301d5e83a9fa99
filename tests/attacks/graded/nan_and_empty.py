# expect: score=0/12
# in the student's kernel: assert not np.any(np.abs(halfway(x, z) - reference_halfway(x, z)) > 1e-5)
# I3: NaN, empty arrays and shapes that would broadcast, against values and laws.

# %%
import numpy as np

def halfway(x, z): return np.full((1, *x.shape), np.nan)
def sqdist(x, z): return np.zeros((0,))
def table(f, A, B): return np.nan
def nearest(A, B): return np.zeros((0, len(A)))
def visits(places, call): return float("nan")

class Line:
    def __init__(self, lam): pass
    def fit(self, x, y): pass
    def predict(self, x): return np.full(x.shape, np.nan)
