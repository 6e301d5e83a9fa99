# expect: lost protocol
# V4: a frame whose array has no entry, and axes that multiply to more than there is.

# %%
import os, struct

def attack(facts):
    head, blob = b'{"$a":["float64",[0,67108864,67108864,67108864,67108864,67108864],0]}', b""
    frame = struct.pack(">IQ", len(head), len(blob)) + head + blob
    while frame:
        frame = frame[os.write(3, frame) :]
