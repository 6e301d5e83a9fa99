# expect: lost exit
# V1: tell the interpreter that it is beyond help.

# %%
import ctypes

def attack(facts):
    ctypes.pythonapi.Py_FatalError(b"the end")
