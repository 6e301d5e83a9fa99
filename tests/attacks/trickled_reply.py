# expect: lost time
# without one deadline for all: succeeds
# V2: keep the grader waiting for a well-formed reply, a byte at a time.

# %%
import gc, os, struct, time
from autograder.wire import encode

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]

def attack(facts):
    head, _ = encode({"id": transport._asked, "kind": "returned", "value": 1.0, "seconds": 0.0, "changed": ()})
    frame = struct.pack(">IQ", 400, 0) + head.rjust(400)
    for byte in frame:
        os.write(3, bytes([byte]))
        time.sleep(0.01)
    time.sleep(60)
