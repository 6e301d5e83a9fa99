# expect: lost time
# in the grader's process: never ends
# V2: never return.

# %%
def attack(facts):
    while True:
        try:
            pass
        except BaseException:
            pass
