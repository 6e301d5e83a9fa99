# expect: lost protocol
# without strict decoding: the grader raises ValueError
# V2: a reply whose value is one number of four million digits, which takes minutes to read.

# %%
import gc, struct

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]
REPLY = b'{"id":%d,"kind":"returned","changed":{"$t":[]},"value":%s}'

def attack(facts):
    value, blob = b"9" * 4_000_000, b""
    head = REPLY % (transport._asked, value)
    transport._peer.sendall(struct.pack(">IQ", len(head), len(blob)) + head + blob)
