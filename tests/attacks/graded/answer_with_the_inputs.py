# expect: score=0/12
# twin: test_the_grader_s_view_would_tell_the_inputs
# S3: wrong answers, shapes, dictionaries and types that hold earlier inputs, where a message could quote the answer.

# %%
import numpy as np

SEEN = [0.0]

def kept(*args):
    SEEN[0:0] = [float(n) for a in args if not callable(a) for n in np.ravel(a)]

def halfway(x, z):
    kept(x, z)
    return np.array(SEEN)[: len(x)] + 7

def sqdist(x, z):
    kept(x, z)
    return SEEN[0] + 7

def table(f, A, B):
    kept(A, B)
    return {str(n): n for n in SEEN}

def nearest(A, B):
    kept(A, B)
    return type(" ".join(map(str, SEEN))[:80], (), {})()
