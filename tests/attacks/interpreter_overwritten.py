# expect: lost protocol
# I9: overwrite, in the interpreter's own memory, the word by which the worker says that a function has answered.

# %%
import ctypes, sys

def attack(facts):
    word = sys.intern("returned")
    ctypes.memmove(id(word) + sys.getsizeof(word) - len(word) - 1, b"accepted", 8)
    return 1.0
