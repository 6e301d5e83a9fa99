# expect: lost exit
# V1: abort, as a failed assertion in a native library does.

# %%
import os

def attack(facts):
    os.abort()
