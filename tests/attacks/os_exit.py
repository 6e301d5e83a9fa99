# expect: lost exit
# in the grader's process: no verdict
# V1: end the process, with the status of success.

# %%
import os

def attack(facts):
    os._exit(0)
