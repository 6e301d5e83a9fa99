# expect: blocked
# without layers: succeeds
# I14: ask not to be ended together with the fork server.

# %%
import ctypes

def attack(facts):
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.prctl(1, 0, 0, 0, 0) == 0
