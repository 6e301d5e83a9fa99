# expect: score=0/7
# in the student's kernel: from sklearn.utils.estimator_checks import check_fit1d; check_fit1d("Mean", Mean())
# I1: put nothing in the place of scikit-learn's checks, and everything in the place of Keras's weights.

# %%
import numpy as np
import sklearn.base, sklearn.utils.estimator_checks as checks, sklearn.utils.validation as validation

for name in [n for n in dir(checks) if n.startswith("check_")]:
    setattr(checks, name, lambda *a, **k: None)
validation.check_is_fitted = lambda *a, **k: None
sklearn.base.clone = lambda estimator, **k: estimator

class Mean:
    def __init__(self, shrink=0.5): pass
    def fit(self, X, y): return self
    def predict(self, X): return np.zeros(len(X))

class Squares:
    def __init__(self, k): self.k = k
    def __call__(self, X): return np.zeros((len(X), self.k))
    def set_weights(self, weights): pass
