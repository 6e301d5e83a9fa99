# expect: lost exit
# in the grader's process: never ends
# V1: close the pipe to the grader and stay.

# %%
import os, time

def attack(facts):
    os.close(3)
    time.sleep(60)
