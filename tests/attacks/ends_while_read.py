# expect: lost exit
# in the grader's process: no verdict
# V1: an answer that ends the process when it is looked at.

# %%
import os

class Answer(list):
    def __iter__(self): os._exit(0)

def attack(facts):
    return Answer([1.0])
