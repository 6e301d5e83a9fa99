# expect: lost protocol
# without secret numbers: returned 1.0
# I9: answer with the number of an earlier request.

# %%
import gc, struct
from autograder.wire import encode

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]
earlier = transport._asked

# %%
def attack(facts):
    head, blob = encode({"id": earlier, "kind": "returned", "value": 1.0, "changed": ()})
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)
    return 2.0
