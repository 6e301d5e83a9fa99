# expect: lost protocol
# with MAX_NODES=1000000: succeeds
# V4: more objects than the grader cares to remember.

# %%
import autograder.wire

autograder.wire.MAX_NODES = 1 << 40  # the student's own side refuses nothing

def attack(facts):
    return [object() for _ in range(60_000)]
