# expect: score=0/12
# in the student's kernel: seen = []; count = visits([3, 1, 2], seen.append); assert seen == [3, 1, 2] and count == 3
# I3: tell the grader's own function of visits that never were: objects, copies and answers that equal all places.

# %%
class Any(int):
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0

class All(list):
    __eq__ = lambda self, other: True

def visits(places, call):
    for place in places:
        call(Any(place + 1))
    return Any(0)
