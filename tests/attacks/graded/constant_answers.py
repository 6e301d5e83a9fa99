# expect: score=0/12
# twin: test_laws_alone_would_pay_for_a_constant
# Integrity: constants of the right shape keep many laws, and earn nothing with them.

# %%
import jax.numpy as jnp

def halfway(x, z): return jnp.zeros_like(x)
def sqdist(x, z): return jnp.sum(0.0 * x)
def table(f, A, B): return jnp.zeros((len(A), len(B)))
def nearest(A, B): return jnp.zeros(len(A))
def visits(places, call): return len(places)

class Line:
    def __init__(self, lam): pass
    def fit(self, x, y): pass
    def predict(self, x): return jnp.zeros_like(x)
