# expect: score=3/7 Squares=3/3
# twin: os_exit
# honest: Squares
# V1: an estimator that ends the process when it is asked for its settings; the layer beside it is graded.

# %%
import os

class Mean:
    def __init__(self, shrink=0.5): self.shrink = shrink
    def get_params(self, deep=True): os._exit(0)
    def fit(self, X, y): os._exit(0)
    def predict(self, X): os._exit(0)
