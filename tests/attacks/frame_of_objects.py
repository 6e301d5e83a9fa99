# expect: lost protocol
# without strict decoding: the grader raises ValueError
# I9: a reply whose array holds Python objects, by their addresses.

# %%
import gc, struct

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]
REPLY = b'{"$d":[[{"$s":"id"},%d],[{"$s":"kind"},{"$s":"returned"}],[{"$s":"seconds"},0.0],[{"$s":"changed"},{"$t":[]}],[{"$s":"value"},%s]]}'

def attack(facts):
    value, blob = b'{"$a":["object",[1],0]}', b"\x00" * 8
    head = REPLY % (transport._asked, value)
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)
