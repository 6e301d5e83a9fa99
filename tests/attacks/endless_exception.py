# expect: raised ExceptionGroup
# no twin: Python's own traceback has come to its end since 3.11; the cuts are tested by giant_exception
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
