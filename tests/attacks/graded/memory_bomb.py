# expect: score=10/12 halfway=0/2
# twin: memory_bomb
# honest: sqdist table nearest Line visits
# V3: an exercise that takes all the memory there is.

# %%
HOARD = []

def halfway(x, z):
    while True:
        HOARD.append(bytearray(64 << 20))
