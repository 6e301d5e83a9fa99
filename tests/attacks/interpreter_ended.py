# expect: lost exit
# in the grader's process: no verdict
# V1: tell the interpreter that it is beyond help.

# %%
import ctypes

def attack(facts):
    ctypes.pythonapi.Py_FatalError(b"the end")
