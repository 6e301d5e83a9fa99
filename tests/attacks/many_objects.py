# expect: lost protocol
# V4: more objects than the grader cares to remember.

# %%
def attack(facts):
    return [object() for _ in range(60_000)]
