# expect: blocked
# twin: test_rewriting_them_harms_only_who_does_it
# twice
# I14: rewrite, where they lie in memory, the programs that were traced before the worker began, so that the next one's are wrong.

# %%
import gc
import numpy as np
import jax, jax.numpy as jnp

def wrong():
    return not np.array_equal(jnp.exp(jnp.zeros(5, jnp.float32)), np.ones(5))

def attack(facts):
    gc.unfreeze()
    found = wrong()
    for thing in gc.get_objects():
        if type(thing).__name__ == "Jaxpr" and [e.primitive.name for e in thing.eqns] == ["exp"]:
            thing.eqns[0] = thing.eqns[0].replace(primitive=jax.lax.sin_p, params={"accuracy": None})
        if type(thing).__name__ == "Program" and hasattr(thing, "steps"):
            object.__setattr__(thing, "steps", tuple((lambda *a: (a[0] * 0,), *rest) for _, *rest in thing.steps))
    return found
