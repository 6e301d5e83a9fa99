# expect: score=0/7
# twin: test_the_grader_s_view_would_tell_it
# S2, S3: exceptions that quote the hidden tables, by names that scikit-learn's checks let through.

# %%
import numpy as np

SEEN = ["SEEN"]

def tell(*tables):
    SEEN.extend(repr(float(n)) for table in tables for n in np.ravel(np.asarray(table, dtype=complex).real)[:9])
    raise ValueError(" ".join(SEEN[:1] + SEEN[-18:]))

class Mean:
    def __init__(self, shrink=0.5): self.shrink = shrink
    def get_params(self, deep=True): return {"shrink": self.shrink}
    def fit(self, X, y): tell(X, y)
    def predict(self, X): tell(X)

class Squares:
    def __init__(self, k): self.k = k
    def __call__(self, X): tell(X)
    def set_weights(self, weights): tell(*weights)
