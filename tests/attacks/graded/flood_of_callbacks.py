# expect: score=2/12 halfway=2/2 visits=0/1
# twin: test_without_a_cap_on_callbacks_the_grader_keeps_them_all
# honest: halfway
# V3: tell the grader's own function more than the grader has memory for, a little at a time.

# %%
import numpy as np

def visits(places, call):
    little = np.zeros(1 << 18)
    while True:
        call(little)
