# expect: lost protocol
# V2: a frame whose header is one number of four million digits, which takes minutes to read.

# %%
import os, struct

def attack(facts):
    head, blob = b"9" * 4_000_000, b""
    frame = struct.pack(">IQ", len(head), len(blob)) + head + blob
    while frame:
        frame = frame[os.write(3, frame) :]
