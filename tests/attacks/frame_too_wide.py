# expect: lost protocol
# with MAX_NODES=4000000: succeeds
# V4: a reply whose value has two million parts.

# %%
import gc, struct

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]
REPLY = b'{"id":%d,"kind":"returned","changed":{"$t":[]},"value":%s}'

def attack(facts):
    value, blob = b"[" + b"1," * 2_000_000 + b"1]", b""
    head = REPLY % (transport._asked, value)
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)
