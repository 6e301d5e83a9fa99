# expect: lost protocol
# V4: a frame whose header has two million parts.

# %%
import os, struct

def attack(facts):
    head, blob = b'{"$l":[' + b"null," * 1_600_000 + b"null]}", b""
    frame = struct.pack(">IQ", len(head), len(blob)) + head + blob
    while frame:
        frame = frame[os.write(3, frame) :]
