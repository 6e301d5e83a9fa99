# expect: blocked
# without layers: succeeds
# without namespaces: not promised
# I7: ask whether a file of the grader's is there, how large it is and when it was written, without opening it.

# %%
import os

def attack(facts):
    return os.path.exists(facts["canary"]) and os.stat(facts["canary"]).st_size
