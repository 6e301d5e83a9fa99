# expect: raised OSError
# without namespaces: not promised
# V3: fill the disk with many files.

# %%
def attack(facts):
    for i in range(1000):
        with open(f"file{i}", "wb") as file:
            file.write(b"x" * (4 << 20))
