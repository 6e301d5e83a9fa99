# expect: lost time
# in the grader's process: never ends
# V2: never return from native code that holds the interpreter's lock.

# %%
import re

def attack(facts):
    re.match("(a+)+$", "a" * 60 + "b")
