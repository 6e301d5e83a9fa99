# expect: lost protocol
# without strict decoding: tells the canary
# I7: a reply whose array lies outside of what was sent, in the grader's memory.

# %%
import gc, struct

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]
REPLY = b'{"id":%d,"kind":"returned","changed":{"$t":[]},"value":%s}'

def attack(facts):
    value, blob = b'{"$a":["float64",[1000],-8000]}', b"x" * 64
    head = REPLY % (transport._asked, value)
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)
