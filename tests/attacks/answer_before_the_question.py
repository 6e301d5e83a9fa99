# expect: lost protocol
# I9: put a well-formed reply in the pipe before the grader asks.

# %%
import os, struct
from autograder.wire import encode

head, blob = encode({"id": 1, "kind": "returned", "value": 1.0, "seconds": 0.0, "changed": ()})
os.write(3, struct.pack(">IQ", len(head), len(blob)) + head + blob)

# %%
def attack(facts):
    return 1.0
