# expect: raised ExceptionGroup
# V4: an exception that is caused by itself, holds a thousand others within each other, and has a note of its own making.

# %%
class Note(str):
    def __str__(self): return 1 / 0

def attack(facts):
    error = ValueError("inner")
    for _ in range(1000):
        error = ExceptionGroup("outer", [error])
    error.__notes__ = [Note("note")]
    error.__context__ = error.exceptions[0]
    raise error
