# expect: blocked
# in the grader's process: succeeds
# I6: trace every function that runs from now on, and look at its variables for what an answer should be.

# %%
import sys, threading

SEEN = []

def trace(frame, event, arg):
    while frame is not None:
        SEEN.extend(name for name in frame.f_locals if name in ("sheet", "check", "expected", "secret", "answers"))
        frame = frame.f_back
    return trace

sys.settrace(trace)
threading.settrace(trace)

# %%
def attack(facts):
    sys.settrace(None)
    return SEEN
