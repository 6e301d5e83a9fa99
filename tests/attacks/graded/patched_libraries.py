# expect: score=0/12
# in the student's kernel: np.testing.assert_allclose(halfway(x, z), reference_halfway(x, z))
# I1, I2: patch the comparisons, and the library, so that a reference in the same process is as wrong as the answer.

# %%
import builtins, unittest
import jax, jax.numpy as jnp, numpy as np, numpy.testing

always = lambda *a, **k: True
np.testing.assert_allclose = np.testing.assert_array_equal = np.testing.assert_almost_equal = always
np.allclose = np.isclose = np.array_equal = jnp.allclose = jnp.isclose = jnp.array_equal = always
unittest.TestCase.assertEqual = unittest.TestCase.assertTrue = always
builtins.all = lambda xs, real=all: real(xs) if isinstance(xs, (tuple, list)) or not hasattr(xs, "shape") else True
builtins.abs = lambda x, real=abs: real(x) if isinstance(x, int) else 0.0
np.mean = np.sum = jnp.sum = jnp.mean = jnp.min = lambda *a, **k: jnp.zeros(())
jax.vmap = lambda f, *a, **k: lambda *b: jnp.zeros(())
jax.grad = lambda f, *a, **k: lambda x, *b: jnp.zeros(jnp.shape(x))

# %%
def halfway(x, z):
    return jnp.zeros(x.shape)

def sqdist(x, z):
    return jnp.sum(x)

def table(f, A, B):
    return jnp.zeros((len(A), len(B)))

def nearest(A, B):
    return jnp.zeros(len(A))

class Line:
    def __init__(self, lam): pass
    def fit(self, x, y): pass
    def predict(self, x): return jnp.zeros(x.shape)

def visits(places, call):
    return len(places)
