# expect: score=0/12
# in the student's kernel: assert halfway(x, z) == reference_halfway(x, z)
# I3: answers that agree with whatever they are compared with, shown as, or converted to.

# %%
class Yes(float):
    __array_priority__ = 1e9
    shape, dtype, ndim, size = (3,), "float32", 1, 3
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0
    __sub__ = __rsub__ = __abs__ = lambda self, *other: self
    __bool__ = lambda self: True
    __float__ = lambda self: 0.0
    __array_ufunc__ = lambda self, *a, **k: True
    __array_function__ = lambda self, *a, **k: True
    __reduce__ = lambda self: (print, ("unpickled",))
    all = any = item = lambda self, *a, **k: self

def halfway(x, z): return Yes()
def sqdist(x, z): return Yes()
def table(f, A, B): return Yes()
def nearest(A, B): return Yes()
def visits(places, call):
    for _ in places: call(Yes())
    return Yes()

class Line(Yes):
    def __new__(cls, lam): return super().__new__(cls)
    def __init__(self, lam): pass
    def fit(self, x, y): return self
    def predict(self, x): return Yes()
