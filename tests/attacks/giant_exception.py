# expect: raised Giant
# in the grader's process: told at length
# V4: raise an exception of ten megabytes.

# %%
class Giant(Exception):
    def __str__(self): return "x" * 10**7

def attack(facts):
    raise Giant
