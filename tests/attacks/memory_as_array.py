# expect: lost exit
# in the grader's process: no verdict
# I3: an object of JAX's by its own account, whose numbers lie at an address where there is nothing.

# %%
class Array:
    __module__ = "jax"
    shape, dtype = (1 << 20,), "float64"
    __array_interface__ = {"shape": (1 << 20,), "typestr": "<f8", "data": (16, True), "version": 3}

def attack(facts):
    return Array()
