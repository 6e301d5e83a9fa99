# expect: raised SystemExit
# in the grader's process: no verdict
# V1: end the interpreter.

# %%
def attack(facts):
    raise SystemExit(0)
