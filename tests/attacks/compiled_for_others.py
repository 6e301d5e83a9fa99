# expect: blocked
# without layers: succeeds
# I8, S1: have JAX keep what it compiles in a folder of the grader's, where others would load it, and list what is there.

# %%
import os, warnings
import jax, jax.numpy as jnp

def attack(facts):
    folder = facts["canary"] + ".jax"
    warnings.simplefilter("ignore")
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.jit(lambda x: jnp.sin(x) * facts["pid"]).lower(1.0).compile()
    return os.path.isdir(folder) and os.listdir(folder)
