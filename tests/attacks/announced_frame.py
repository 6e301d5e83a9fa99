# expect: lost protocol
# without a cap on lengths: the grader raises MemoryError
# V4: announce a frame of sixteen exabytes.

# %%
import os, struct

def attack(facts):
    os.write(3, struct.pack(">IQ", 2**31, 2**64 - 1))
