# expect: lost protocol
# without secret numbers: returned 1.0
# I9: put well-formed replies in the pipe before the grader asks, for this cell, the next and the question.

# %%
import os, struct
import numpy as np
from autograder.wire import encode

head, blob = encode({"id": 1, "kind": "returned", "value": 1.0, "changed": (), "outputs": np.frombuffer(b"[]", np.uint8)})
os.write(3, 3 * (struct.pack(">IQ", len(head), len(blob)) + head + blob))

# %%
def attack(facts):
    return 2.0
