# expect: score=0/7
# twin: endless_list
# V2, V4: settings, and what an estimator keeps, that are too many, too deep, objects, or never end.

# %%
import numpy as np

class Mean:
    def __init__(self, shrink=0.5): self.shrink, self.asked = shrink, 0
    def __getattribute__(self, name):
        if name == "__dict__":
            return {f"name{i}": object() for i in range(4000)}
        return object.__getattribute__(self, name)
    def get_params(self, deep=True):
        tree = {"shrink": self}
        for _ in range(25):
            tree = {"shrink": [tree, "x" * 60_000, object(), float("nan")]}
        return tree | {f"s{i}": "y" * 1000 for i in range(2000)}
    def fit(self, X, y):
        self.asked += 1
        return {"self": self} if self.asked % 2 else iter(int, 1)
    def predict(self, X): return Mean
