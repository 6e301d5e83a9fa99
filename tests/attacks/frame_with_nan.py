# expect: lost protocol
# without strict decoding: succeeds
# I3: a reply that says NaN in the way that JSON does not know.

# %%
import gc, struct

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]
REPLY = b'{"id":%d,"kind":"returned","changed":{"$t":[]},"value":%s}'

def attack(facts):
    value, blob = b"NaN", b""
    head = REPLY % (transport._asked, value)
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)
