# expect: score=0/12
# twin: test_a_reply_whose_number_can_be_known_is_taken_for_the_next
# I9: find the worker's own channel, and answer each question twice, so that each answer is taken for the next question's.

# %%
import gc, struct
from autograder.wire import encode

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]

def twice(value):
    head, blob = encode({"id": transport._asked, "kind": "returned", "value": value, "seconds": 0.0, "changed": ()})
    transport._peer.sendall(2 * (struct.pack(">IQ", len(head), len(blob)) + head + blob))

def halfway(x, z):
    twice(x)
    return x

def sqdist(x, z):
    twice(0.0)
    return 0.0
