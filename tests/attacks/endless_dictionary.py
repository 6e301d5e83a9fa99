# expect: handle
# in the grader's process: never ends
# V2: a dictionary of the student's own making, whose items never end.

# %%
class Endless(dict):
    def items(self): return iter(lambda: ("key", 1.0), None)
    __iter__ = keys = lambda self: iter(int, 1)

def attack(facts):
    return Endless(a=1)
