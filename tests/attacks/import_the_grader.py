# expect: blocked
# in the grader's process: succeeds
# I7: import the parts of the engine that know answers.

# %%
import importlib

def attack(facts):
    found = []
    for name in ("autograder.author", "autograder.sheet", "autograder.judge", "autograder.grade", "autograder.secret", "solutions"):
        try:
            found.append(importlib.import_module(name).__name__)
        except ImportError:
            pass
    return found
