# expect: raised OSError
# V3: open files without end.

# %%
def attack(facts):
    kept = []
    while True:
        kept.append(open("/dev/null"))
