# expect: raised Giant
# V4: raise an exception of a hundred megabytes.

# %%
class Giant(Exception):
    def __str__(self): return "x" * 10**8

def attack(facts):
    raise Giant
