# expect: score=0/12
# twin: tracing
# I6, S3: hear of all that the process does, from trace and audit hooks, and answer with whatever number came by.

# %%
import sys, threading

HEARD = []

def keep(frame, event, arg):
    for name, value in [*frame.f_locals.items()]:
        if name in ("expected", "answer", "answers", "sheet", "check", "reference"):
            HEARD.append(value)
    return keep

def hook(event, args):
    if event == "open" and any(part in str(args) for part in ("sheets", "seeds", "solutions", "gradebook", "reports")):
        HEARD.append(args)

sys.addaudithook(hook)
sys.settrace(keep)
threading.settrace(keep)

# %%
def heard(*args):
    sys.settrace(None)
    if not HEARD:
        raise LookupError("nothing was said")
    return HEARD[-1]

halfway = sqdist = table = nearest = visits = heard
