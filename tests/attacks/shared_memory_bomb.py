# expect: raised OSError
# without layers: succeeds
# V3: take memory that no limit of the process counts.

# %%
import mmap

def attack(facts):
    kept = []
    for _ in range(20):
        kept.append(mmap.mmap(-1, 64 << 20))
        kept[-1].write(b"x")
    return len(kept)
