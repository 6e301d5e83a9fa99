# expect: score=0/12
# in the student's kernel: model = Line(0.1); model.fit(x, z); assert model.predict(x) == z
# I3: an object that is another one each time it is asked for, in its class, its methods and the worker's own list of objects.

# %%
import gc
import jax.numpy as jnp

class Second:
    def fit(self, x, y): return self
    def predict(self, x): return Yes(x)

class Yes(list):
    __eq__ = lambda self, other: True

class Line:
    def __init__(self, lam): self.lam = lam
    def __getattribute__(self, name):
        if name == "predict":
            return lambda x: Second().predict(x)
        return object.__getattribute__(self, name)
    def fit(self, x, y):
        global Line
        (worker,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Worker" and hasattr(thing, "_handles")]
        worker._handles = {number: Second() for number in range(100)}
        self.__class__ = Second
        Line = Second
        return Second()
    def predict(self, x): return jnp.zeros(x.shape)
