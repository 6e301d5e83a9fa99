# expect: Mean<4 Squares=0/3
# in the student's kernel: assert Mean(0.25).get_params()["shrink"] == 0.25
# I3: an estimator that says of its settings, of what it keeps and of what it learnt whatever one would like to hear.

# %%
import numpy as np

class Same(float):
    __eq__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0

class Mean:
    def __init__(self, shrink=0.5): object.__setattr__(self, "kept", {"shrink": shrink})
    def __getattribute__(self, name):
        if name == "__dict__":
            return {"shrink": Same(0.5), "mean_": Same(0.0), "n_features_in_": Same(3)}
        return object.__getattribute__(self, name)
    def __getattr__(self, name): return Same(0.0)
    def get_params(self, deep=True): return {"shrink": Same(0.5)}
    def set_params(self, **settings): return self
    def fit(self, X, y): return self
    def predict(self, X): return np.array([Same(0.0)] * len(X), dtype=object)
