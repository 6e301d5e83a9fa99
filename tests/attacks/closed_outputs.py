# expect: returned 1.0
# in the grader's process: no verdict
# V1: close and lose everything that one can print to.

# %%
import os, sys

def attack(facts):
    print("nobody hears this")
    return 1.0

for descriptor in (0, 1, 2):
    os.close(descriptor)
sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = sys.stdin = None
