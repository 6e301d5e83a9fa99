# expect: lost protocol
# I3: a frame that says NaN in the way that JSON does not know.

# %%
import os, struct

def attack(facts):
    head, blob = b'{"$d":[[{"$s":"value"},NaN],[{"$s":"id"},Infinity]]}', b""
    frame = struct.pack(">IQ", len(head), len(blob)) + head + blob
    while frame:
        frame = frame[os.write(3, frame) :]
