# expect: raised SystemExit
# V1: end the interpreter.

# %%
def attack(facts):
    raise SystemExit(0)
