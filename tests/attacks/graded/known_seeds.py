# expect: score=0/12
# twin: test_a_seed_that_can_be_guessed_is_guessed
# I12, S4: draw what a grader with a guessable seed would draw, and answer only if that is what came.

# %%
import random
import numpy as np

def draws(size):
    for seed in (*range(200), 1234, 12345, 2024, 2025, 2026, 31337):
        for rng in (np.random.default_rng(seed), np.random.RandomState(seed)):
            for _ in range(3):
                yield rng.normal(size=size)
                yield rng.uniform(size=size)

def seen(x):
    return any(np.allclose(x, drawn, atol=1e-4) for drawn in draws(np.shape(x)))

def halfway(x, z): return (x + z) / 2 if seen(x) or seen(z) else x
def sqdist(x, z): return ((x - z) ** 2).sum() if seen(x) or seen(z) else x[0]
