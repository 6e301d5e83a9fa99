# expect: score=2/12 carried:nearest nearest=2/2 sqdist=0/3 table=0/2
# twin: test_in_one_worker_the_borrowed_reference_would_be_kept
# F2, I6: the later exercise may use the reference behind the earlier ones; these stay unpaid, whatever it keeps of it.

# %%
import __main__, pickle

KEPT = {}

def sqdist(x, z):
    if "sqdist" in KEPT:
        return KEPT["sqdist"](x, z)
    return 7.0 + 0.0 * x[0]

mine = sqdist

def table(f, A, B):
    if "table" in KEPT:
        return KEPT["table"](f, A, B)
    raise ValueError("later")

# %%
def nearest(A, B):
    KEPT.update(sqdist=globals()["sqdist"], table=globals()["table"])
    try:
        open("kept", "wb").write(pickle.dumps(KEPT))
    except Exception:
        pass
    return KEPT["table"](KEPT["sqdist"], A, B).min(axis=1)
