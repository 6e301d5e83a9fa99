# expect: score=0.43/12 sqdist=0.43/3 halfway=0/2 table=0/2 nearest=0/2
# on the released sheet: halfway=2/2 table=2/2 nearest=2/2
# I12: the answers of the released sheet, learned by heart. One case is the author's own, and shown to everybody.

# %%
import json
import numpy as np

SHEET = json.loads({{SHEET}})

def key(args):
    return [np.round(np.asarray(a, float), 4).tolist() for a in args if not callable(a)]

def recalled(name, *args):
    for seen, answer in SHEET[name]:
        if key(seen) == key(args):
            return np.asarray(answer)
    return np.zeros(())

def halfway(x, z): return recalled("halfway", x, z)
def sqdist(x, z): return recalled("sqdist", x, z)
def table(f, A, B): return recalled("table", A, B)
def nearest(A, B): return recalled("nearest", A, B)
