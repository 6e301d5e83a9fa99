# expect: returned [0.0, 0.0]
# in the grader's process: passed
# I3: answer with an array whose comparisons lie. What arrives is a plain array of its numbers.

# %%
import numpy as np

class Liar(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __array_ufunc__(self, *a, **k): return np.zeros(2)
    def tobytes(self, *a): return np.ones(2).tobytes()

def attack(facts):
    return np.zeros(2).view(Liar)
