# expect: lost protocol
# V4: answer with more than any frame holds.

# %%
import numpy as np

def attack(facts):
    return np.broadcast_to(np.complex128(1), (1 << 24,))
