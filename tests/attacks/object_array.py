# expect: handle
# in the grader's process: passed
# I3: an array of objects that equal whatever they are compared with.

# %%
import numpy as np

class Yes:
    def __eq__(self, other): return True
    __hash__ = None

def attack(facts):
    return np.array([Yes(), Yes()], object)
