# expect: lost protocol
# with MAX_DEPTH=1000: succeeds
# V4: a tree of a hundred levels, which the interpreter could still walk.

# %%
import autograder.wire

autograder.wire.MAX_DEPTH = 1 << 40  # the student's own side refuses nothing

# %%
def attack(facts):
    tree = 1.0
    for _ in range(100):
        tree = {"deeper": tree}
    return tree
