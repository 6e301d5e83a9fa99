# expect: raised MemoryError
# in the grader's process: never ends
# V2, V3: a list of the student's own making, whose parts never end.

# %%
class Endless(list):
    def __iter__(self):
        while True:
            yield bytearray(8 << 20)

def attack(facts):
    return Endless()
