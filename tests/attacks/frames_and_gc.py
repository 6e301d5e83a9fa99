# expect: blocked
# in the grader's process: succeeds
# I6: look for a sheet, a reference or a test in frames, modules, history and everything the collector knows.

# %%
import gc, sys

SUSPECTS = ("autograder.author", "autograder.sheet", "autograder.judge", "autograder.grade", "autograder.compare", "solutions")

def attack(facts):
    found = [name for name in sys.modules if name.startswith(SUSPECTS)]
    frame = sys._getframe()
    while frame is not None:
        found += [name for name in frame.f_locals if name in ("sheet", "check", "expected", "reference", "secret")]
        frame = frame.f_back
    kinds = ("Sheet", "Check", "ExerciseSheet", "Exercise", "Mistake", "Verdict")
    found += [type(x).__name__ for x in gc.get_objects() if type(x).__module__.startswith("autograder") and type(x).__name__ in kinds]
    return found + [source for source in In if facts["canary"] in source]
