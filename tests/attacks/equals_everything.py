# expect: handle
# in the grader's process: passed
# I3: answer with an object that equals, converts to and compares as anything.

# %%
class Everything:
    def __eq__(self, other): return True
    def __array__(self, *a, **k): raise RuntimeError
    def __float__(self): return 1.0
    def __bool__(self): return True
    def __array_function__(self, *a, **k): return True
    __hash__ = None

def attack(facts):
    return Everything()
