# expect: raised BlockingIOError
# V3: fork without end.

# %%
import os

def attack(facts):
    while True:
        os.fork()
