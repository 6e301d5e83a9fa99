# expect: lost protocol
# in the grader's process: no verdict
# V4: answer with a list that contains itself.

# %%
def attack(facts):
    endless = []
    endless.append(endless)
    return endless
