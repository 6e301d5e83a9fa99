# expect: score=1.71/12 sqdist=1.71/3
# on the released sheet: sqdist=3/3
# I11: right when called plainly, wrong under a transformation.

# %%
import jax

def sqdist(x, z):
    if isinstance(x, jax.core.Tracer) or isinstance(z, jax.core.Tracer):
        return 0.0 * x.sum()
    return ((x - z) ** 2).sum()
