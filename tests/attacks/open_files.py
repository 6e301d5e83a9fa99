# expect: raised OSError
# in the grader's process: succeeds
# V3: open more files than anybody needs.

# %%
def attack(facts):
    kept = []
    for _ in range(500):
        kept.append(open("/dev/null"))
    return len(kept)
