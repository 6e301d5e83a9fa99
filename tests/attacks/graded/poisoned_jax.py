# expect: score=12/12
# in the student's kernel: assert reference_sqdist(x, z).dtype == np.float64
# honest: halfway sqdist table nearest Line visits
# I2, F4: settings of JAX that make answers other than they were. Honest answers stay inside the tolerance.

# %%
import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_jit", True)
jax.config.update("jax_debug_nans", True)
jax.config.update("jax_default_matmul_precision", "bfloat16")
jax.config.update("jax_numpy_rank_promotion", "warn")
jax.config.update("jax_platforms", "cpu")
