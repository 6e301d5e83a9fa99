# expect: score=0/12
# twin: test_the_grader_s_view_would_tell_which_way_was_chosen
# S3: choose what happens by a hidden number: not written, raised, dead or wrong. Feedback must not tell which.

# %%
import os
import numpy as np

def choose(x):
    digit = int(abs(float(np.ravel(x)[0])) * 1e6) % 4
    if digit == 0:
        raise NotImplementedError("Yours to write.")
    if digit == 1:
        raise ValueError("one")
    if digit == 2:
        os._exit(3)
    return np.full(7, 7.0)

def halfway(x, z): return choose(x)
def sqdist(x, z): return choose(x)
def nearest(A, B): return choose(A)
