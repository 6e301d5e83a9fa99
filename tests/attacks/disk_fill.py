# expect: raised OSError
# with disk_mb=64: succeeds
# without namespaces: not promised
# V3: fill the disk with files, none of which is too large.

# %%
def attack(facts):
    for i in range(12):
        with open(f"file{i}", "wb") as file:
            file.write(b"x" * (4 << 20))
    return i
