# expect: blocked
# without layers: succeeds
# I7: read a file of the grader's by its path.

# %%
def attack(facts):
    return open(facts["canary"]).read()
