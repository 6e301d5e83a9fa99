# expect: blocked
# in the grader's process: succeeds
# S1, I7: look through what JAX has traced before the worker began, for programs of somebody's own, and for what is still to be.

# %%
import gc, os
import jax

def attack(facts):
    gc.unfreeze()
    library, found = os.path.dirname(jax.__file__), []
    for thing in gc.get_objects():
        if type(thing).__name__ == "ClosedJaxpr":
            of = thing.jaxpr.debug_info.func_filename or library
            found += [] if of.startswith(library) else [f"{of}: {thing}"]
        if type(thing) is dict and {"function", "args", "kwargs"} <= thing.keys():
            found += [] if str(thing["function"][0]).startswith("jax") else [repr(thing)]
    return found
