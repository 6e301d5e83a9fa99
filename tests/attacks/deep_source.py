# expect: returned 1.0
# no twin: it is the compiler that gives up, and that is no guard of ours
# V1: cells that the compiler cannot get to the bottom of. They are errors of theirs, and the next cell runs.

# %%
exec("(" * 100_000)

# %%
exec("-" * 100_000 + "1")

# %%
exec("x" + ".x" * 100_000)

# %%
def attack(facts):
    return 1.0
