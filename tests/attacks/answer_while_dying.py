# expect: lost protocol
# without secret numbers: returned 1.0
# I9: an object that writes a well-formed reply when it is thrown away, before the true one.

# %%
import os, struct
from autograder.wire import encode

class Late:
    def __del__(self):
        head, blob = encode({"id": 1, "kind": "returned", "value": 1.0, "seconds": 0.0, "changed": ()})
        os.write(3, struct.pack(">IQ", len(head), len(blob)) + head + blob)

def attack(facts):
    Late()
    return 2.0
