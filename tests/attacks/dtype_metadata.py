# expect: returned [1.0, 2.0]
# in the grader's process: passed
# I3: numbers whose dtype carries objects of the student's own along.

# %%
import numpy as np

class Baggage:
    def __eq__(self, other): return True
    def __reduce__(self): return exec, ("import numpy.testing; numpy.testing.assert_allclose = lambda *a, **k: None",)
    __hash__ = None

def attack(facts):
    return np.array([1.0, 2.0], np.dtype(float, metadata={"expected": Baggage()}))
