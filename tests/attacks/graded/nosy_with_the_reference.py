# expect: score=0/12
# twin: test_without_a_cap_the_reference_is_asked_without_end
# F2, S3: ask the bound reference far too often, with far too much, and with things that are no numbers.

# %%
import numpy as np

def sqdist(x, z): return 0.0 * x[0]
def table(f, A, B): return 0.0

class Evil:
    __class__ = property(lambda self: 1 / 0)
    __array__ = lambda self, *a, **k: 1 / 0

def nearest(A, B):
    for args in ((np.zeros(10**5), np.zeros(10**5)), (Evil(), Evil()), ("x" * 10**5, {}), (sqdist, table), ()):
        try:
            sqdist(*args)
        except BaseException:
            pass
    while True:
        try:
            sqdist(A[0], B[0])
        except RuntimeError:
            return "refused"
