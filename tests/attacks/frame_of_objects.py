# expect: lost protocol
# I9: a frame whose array holds Python objects, by their addresses.

# %%
import os, struct

def attack(facts):
    head, blob = b'{"$a":["object",[1],0]}', b"\\x00" * 8
    frame = struct.pack(">IQ", len(head), len(blob)) + head + blob
    while frame:
        frame = frame[os.write(3, frame) :]
