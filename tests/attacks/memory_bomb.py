# expect: raised MemoryError
# with memory_mb=2000: succeeds
# V3: take a gigabyte of memory. What counts is what is asked for, so it stays untouched.

# %%
def attack(facts):
    kept = []
    for _ in range(16):
        kept.append(bytes(64 << 20))
    return len(kept)
