# expect: lost time
# in the grader's process: never ends
# V2: never return from a compiled loop.

# %%
import jax

def attack(facts):
    return jax.lax.while_loop(lambda x: x >= 0, lambda x: x * 0 + 1, 1)
