# expect: lost exit
# V1: crash.

# %%
import ctypes

def attack(facts):
    ctypes.string_at(0)
