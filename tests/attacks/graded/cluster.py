# expect: score=0/12
# twin: test_without_layers_the_solutions_that_were_sent_would_be_found
# I7, I9, I15: reaches for a cluster that may be grading: its files, its memory, its workers, and those who unpickle.

# %%
import gc, glob, json, os, pickle, sys

def places():
    yield from ("{{STATE}}", os.environ.get("DASK_TEMPORARY_DIRECTORY", "/nowhere"), "/tmp", "..")
    yield from ("/proc/%d/cwd" % pid for pid in (1, 2, os.getppid()))

def sent():
    for place in places():
        for depth in ("", "*/", "*/*/", "*/*/*/", "*/*/*/*/"):
            for path in glob.glob(os.path.join(place, depth + "chapter-*/solutions/toy.py")):
                with open(path) as file:
                    return file.read()
    return ""

exec(sent())

# %%
class Payload:
    def __reduce__(self):
        return exec, ("open('{{STATE}}/unpickled', 'w').write('spoiled')",)

full = {"name": "halfway", "score": 2.0, "max_score": 2.0, "findings": []}
record = json.dumps({"student": "", "path": "", "status": "graded", "verdicts": [full], "max_score": 12.0, "cells": {}})
print(json.dumps({"worker": "tls://127.0.0.1:1", "graded": record}), "\ud800", "\x00")
print(json.dumps({"worker": "tls://127.0.0.1:1", "refused": "every machine is ill"}))
sys.stdout.write(pickle.dumps(Payload()).decode("latin-1"))
assert not [x for x in gc.get_objects() if type(x).__name__ in ("Worker", "Scheduler", "Client", "GradingPlugin", "Desk")]

# %%
if "halfway" not in globals():
    def halfway(x, z):
        return Payload()

    def sqdist(x, z):
        raise Exception(Payload(), '{"worker": "", "graded": ' + record)

    def table(f, A, B):
        raise type("KilledWorker", (Exception,), {"__reduce__": Payload.__reduce__})("table", None)

# %%
from distributed import Client, get_worker

get_worker().plugins.clear()

# %%
for port in (8786, 8787):
    Client("tcp://127.0.0.1:%d" % port, timeout=1)
