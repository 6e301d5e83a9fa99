# expect: handle
# in the grader's process: passed
# I3: an array of records, one of whose fields holds objects, and says how these are to be made again.

# %%
import numpy as np

class Field:
    def __eq__(self, other): return True
    def __reduce__(self): return exec, ("import numpy.testing; numpy.testing.assert_allclose = lambda *a, **k: None",)
    __hash__ = None

def attack(facts):
    pair = np.zeros(2, [("real", float), ("yes", object)])
    pair["yes"] = Field()
    return pair
