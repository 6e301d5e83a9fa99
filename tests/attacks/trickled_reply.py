# expect: lost time
# V2: keep the grader waiting, a byte at a time.

# %%
import os, struct, time

def attack(facts):
    os.write(3, struct.pack(">IQ", 1000, 0))
    while True:
        os.write(3, b" ")
        time.sleep(0.01)
