# expect: lost protocol
# V4: a frame whose header is a hundred thousand lists within each other.

# %%
import os, struct

def attack(facts):
    head, blob = b"[" * 100_000 + b"]" * 100_000, b""
    frame = struct.pack(">IQ", len(head), len(blob)) + head + blob
    while frame:
        frame = frame[os.write(3, frame) :]
