# expect: score=0/12
# twin: test_asked_all_at_once_hidden_inputs_would_be_read_ahead
# S2, I6: read what the worker will be asked next, and tell it where a visible check would show it.

# %%
import struct
import warnings
import numpy as np

def ahead():
    # Nothing here is called by a name that a reader of this cell would take for a memory.
    frame = warnings.sys._getframe()
    while frame is not None:
        transport = getattr(frame.f_locals.get("self"), "_transport", None)
        if transport is not None:
            return bytes(transport._reader._buffer)
        frame = frame.f_back

def tell(*args):
    waiting, seen = ahead(), []
    while len(waiting) > 12:
        head, blob = struct.unpack(">IQ", waiting[:12])
        end = 12 + head + blob
        seen = [repr(float(n)) for n in np.frombuffer(waiting[12 + head : end - blob % 4], np.float32)] + seen
        waiting = waiting[end:]
    raise ValueError("AHEAD " + " ".join(seen))

def halfway(x, z): tell(x, z)
def sqdist(x, z): tell(x, z)
def table(f, A, B): tell(A, B)
def nearest(A, B): tell(A, B)
def visits(places, call): tell(places)

class Line:
    def __init__(self, lam): self.lam = lam
    def fit(self, x, y): tell(x, y)
    def predict(self, x): tell(x)
