# expect: score=0/12
# in the student's kernel: assert check(halfway).passed
# I1, I10: put another `check` in the notebook and another judge into the engine's modules.

# %%
import sys, types

class Passed:
    passed = True
    score = max_score = 2.0
    def __repr__(self): return "✓ halfway: 2 of 2 points"
    def _repr_html_(self): return "<b>✓ halfway: 2 of 2 points</b>"

def check(*a, **k): return Passed()

for name in ("autograder.client", "autograder.judge", "autograder.compare", "autograder.report", "autograder.grade"):
    module = types.ModuleType(name)
    for what in ("check", "judge", "compare", "equals", "points", "grade", "student_view"):
        setattr(module, what, check)
    sys.modules[name] = module

# %%
def halfway(x, z):
    return x

check(halfway)
