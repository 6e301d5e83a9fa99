# expect: score=3/12 nearest=2/2 visits=1/1 halfway=0/2 sqdist=0/3 table=0/2 Line=0/2
# twin: segfault
# honest: nearest visits
# V1: each of four exercises takes its process along; the other two are graded.

# %%
import ctypes, os, sys

def halfway(x, z):
    os._exit(0)

def sqdist(x, z):
    raise SystemExit(0)

def table(f, A, B):
    ctypes.string_at(0)

class Line:
    def __init__(self, lam):
        sys.setrecursionlimit(10**9)
        self.fit(0, 0)

    def fit(self, x, y):
        return self.fit(x, y) + 1
