# expect: blocked
# without layers: succeeds
# I14: reach the process that all workers are forked from, and the other workers. Signal 0 does nothing but ask.

# %%
import os

def attack(facts):
    parent = os.getppid()
    return [name for name, pid in (("parent", parent), ("all", -1)) if pid and not refused(lambda: os.kill(pid, 0))]

def refused(act):
    try:
        act()
    except OSError:
        return True
