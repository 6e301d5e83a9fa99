# expect: lost protocol
# V4: announce a frame of sixteen exabytes.

# %%
import os, struct

def attack(facts):
    os.write(3, struct.pack(">IQ", 2**32 - 1, 2**64 - 1))
