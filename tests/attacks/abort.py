# expect: lost exit
# in the grader's process: no verdict
# V1: abort, as a failed assertion in a native library does.

# %%
import os

def attack(facts):
    os.abort()
