# expect: returned 2.0
# in the grader's process: never ends
# I14: handlers for the end of the process, which write another answer and then stay for an hour.

# %%
import atexit, os, struct, threading, time
from autograder.wire import encode

def late():
    head, blob = encode({"id": 1, "kind": "returned", "value": 1.0, "seconds": 0.0, "changed": ()})
    try:
        os.write(3, struct.pack(">IQ", len(head), len(blob)) + head + blob)
    finally:
        time.sleep(3600)

atexit.register(late)
threading._register_atexit(late)

def attack(facts):
    return 2.0
