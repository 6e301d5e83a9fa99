# expect: handle
# in the grader's process: never ends
# V2: answer with something that would never end, if somebody counted it.

# %%
def attack(facts):
    return (number for number in iter(int, 1))
