# expect: score=0/12
# twin: forged_record
# I9: replies that carry the grader's own records, say that a check passed, or come from a callback nobody offered.

# %%
import gc, struct
from autograder import records
from autograder.wire import encode

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]

def send(message, swap=b""):
    head, blob = encode({"id": transport._asked, **message})
    head = head.replace(b'"SWAP"', swap) if swap else head
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)

def halfway(x, z):
    send({"kind": "returned", "value": "SWAP", "seconds": 0.0, "changed": (), "passed": True, "score": 2.0}, b'{"$r":["LawResult",[true,"law",""]]}')
    return x

def sqdist(x, z):
    send({"kind": "passed", "value": True, "seconds": 0.0, "changed": ()})
    return 0.0

def table(f, A, B):
    send({"kind": "callback", "spy": 1, "args": (A, B)})
    return A

def nearest(A, B):
    send({"kind": "returned", "value": "SWAP", "seconds": 0.0, "changed": (), "expected": "SWAP"}, b'{"$r":["Handle",[-1,"x",true]]}')
    return A

def visits(places, call):
    send({"kind": "returned", "value": len(places), "seconds": float("inf"), "changed": (-1, 10**6)})
    return len(places)
