# expect: lost protocol
# with MAX_BLOB=134217728: succeeds
# V4: answer with more than any frame holds.

# %%
import autograder.wire
import numpy as np

autograder.wire.MAX_BLOB = 1 << 40  # the student's own side refuses nothing

def attack(facts):
    return np.broadcast_to(np.complex128(1), (5 << 20,))
