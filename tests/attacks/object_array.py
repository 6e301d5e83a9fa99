# expect: handle
# I3: an array of objects, and records with fields, that equal whatever they are compared with.

# %%
import numpy as np

class Yes:
    def __eq__(self, other): return True
    __hash__ = None

def attack(facts):
    pair = np.zeros(2, [("real", float), ("yes", object)])
    pair["yes"] = Yes()
    return pair
