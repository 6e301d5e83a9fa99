# expect: handle
# in the grader's process: passed
# I9: an answer that says, to whoever pickles it, how it is to be made again: by running code over there.

# %%
class Answer:
    def __reduce__(self): return eval, ("__import__('__main__').EXPECTED",)
    def __reduce_ex__(self, version): return self.__reduce__()
    def __getstate__(self): return 1 / 0
    def __deepcopy__(self, memo): return eval("1/0")

def attack(facts):
    return Answer()
