# expect: raised BlockingIOError
# without layers: succeeds
# V3: fork, again and again. (Twenty times, and each ends with its parent: enough to show that nothing stops it.)

# %%
import os

def attack(facts):
    ours, theirs = os.pipe()
    for _ in range(20):
        if os.fork() == 0:
            os.close(theirs)
            os.read(ours, 1)  # until the parent ends
            os._exit(0)
    return True
