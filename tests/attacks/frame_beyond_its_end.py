# expect: lost protocol
# I7: a frame whose array lies outside of what was sent, in the grader's memory.

# %%
import os, struct

def attack(facts):
    head, blob = b'{"$d":[[{"$s":"value"},{"$a":["float64",[1000],-8000]}]]}', b"x" * 64
    frame = struct.pack(">IQ", len(head), len(blob)) + head + blob
    while frame:
        frame = frame[os.write(3, frame) :]
