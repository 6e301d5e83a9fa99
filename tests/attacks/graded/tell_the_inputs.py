# expect: score=0/12
# twin: test_the_grader_s_view_would_tell_the_inputs
# S2, S3: keep all inputs, and tell them in every text that could reach a feedback page.

# %%
import io, sys, threading, time, warnings
import numpy as np
import matplotlib.pyplot as plt

SEEN = []

def tell(*args):
    SEEN.insert(0, " ".join(repr(float(n)) for a in args if not callable(a) for n in np.ravel(a)))
    text = "SEEN " + " ".join(SEEN)
    print(text); print(text, file=sys.stderr); warnings.warn(text)
    plt.title(text[:40]); plt.show()
    sys.displayhook(text)
    open("seen.txt", "a").write(text)
    kind = type(text[:90], (Exception,), {"__doc__": text})
    error = kind(text)
    error.add_note(text)
    halfway.__name__ = sqdist.__name__ = halfway.__doc__ = text
    raise error

def halfway(x, z): tell(x, z)
def sqdist(x, z): tell(x, z)
def table(f, A, B): tell(A, B)
def nearest(A, B): tell(A, B)

class Line:
    def __init__(self, lam): self.lam = lam
    def fit(self, x, y): tell(x, y)
    def predict(self, x): tell(x)

# %%
def go_on():
    while True:
        time.sleep(0.01)
        print("SEEN", *SEEN)

threading.Thread(target=go_on, daemon=True).start()
