# expect: lost protocol
# in the grader's process: no verdict
# V4: a tree ten thousand levels deep, with a number at its end.

# %%
def attack(facts):
    tree = 1.0
    for _ in range(10_000):
        tree = [tree]
    return tree
