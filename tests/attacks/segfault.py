# expect: lost exit
# in the grader's process: no verdict
# V1: crash.

# %%
import ctypes

def attack(facts):
    ctypes.string_at(0)
