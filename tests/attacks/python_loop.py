# expect: lost time
# V2: never return.

# %%
def attack(facts):
    while True:
        try:
            pass
        except BaseException:
            pass
