# expect: raised MemoryError
# V3: take all memory.

# %%
def attack(facts):
    kept = []
    while True:
        kept.append(bytearray(64 << 20))
