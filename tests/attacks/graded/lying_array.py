# expect: score=0/12
# in the student's kernel: assert np.allclose(halfway(x, z), reference_halfway(x, z))
# I3: an array of the right shape whose comparisons, conversions and iteration lie, and a list that does the same.

# %%
import numpy as np

class Liar(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return np.ones(self.shape, bool) if ufunc.nout == 1 and ufunc.__name__ in ("equal", "less_equal", "isfinite") else np.zeros(self.shape).view(Liar)
    def __array_function__(self, function, types, args, kwargs): return True
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array__(self, *a, **k): raise RuntimeError("look elsewhere")
    def __reduce__(self): return eval, ("1/0",)
    tobytes = tolist = lambda self, *a: self

class Parts(list):
    __eq__ = lambda self, other: True
    __len__ = lambda self: 3
    __iter__ = lambda self: iter(())

def lie(*shape): return np.zeros(shape).view(Liar)

def halfway(x, z): return lie(*x.shape)
def sqdist(x, z): return lie()
def table(f, A, B): return Parts([Parts([0.0] * len(B))] * len(A))
def nearest(A, B): return lie(len(A))
def visits(places, call): return Parts()

class Line:
    def __init__(self, lam): pass
    def fit(self, x, y): pass
    def predict(self, x): return lie(*x.shape)
