# expect: lost protocol
# without strict decoding: the grader raises ValueError
# V4: a reply whose array has no entry, and axes that multiply to more than there is.

# %%
import gc, struct

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]
REPLY = b'{"id":%d,"kind":"returned","changed":{"$t":[]},"value":%s}'

def attack(facts):
    value, blob = b'{"$a":["float64",[0,67108864,67108864,67108864,67108864,67108864],0]}', b""
    head = REPLY % (transport._asked, value)
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)
