# expect: score=1/12 visits=1/1 halfway=0/2 sqdist=0/3 table=0/2 nearest=0/2 Line=0/2
# twin: endless_list
# honest: visits
# V4: answers ten thousand levels deep, without end, within themselves, or made when they are read.

# %%
class Endless(list):
    def __iter__(self):
        while True:
            yield bytearray(8 << 20)

def halfway(x, z):
    tree = x
    for _ in range(10_000):
        tree = {"deeper": [tree]}
    return tree

def sqdist(x, z): return iter(int, 1)
def table(f, A, B): return Endless()

def nearest(A, B):
    answer = {}
    answer["itself"] = (answer, A)
    return answer

class Line:
    def __init__(self, lam): self.lam = lam
    def fit(self, x, y): return Endless()
    def predict(self, x): return x
