# expect: returned [0.0, 0.0]
# in the grader's process: passed
# I3: an object that says that it is an array of JAX's, and lies about its shape and dtype.

# %%
import numpy as np

class Liar(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def tobytes(self, *a): return np.ones(2).tobytes()

class Array:
    __module__ = "jaxlib._jax"
    shape, dtype, size, ndim = (99,), np.dtype("O"), -1, "one"
    def __array__(self, *a, **k): return np.zeros(2).view(Liar)
    def __len__(self): return 10**9

def attack(facts):
    return Array()
