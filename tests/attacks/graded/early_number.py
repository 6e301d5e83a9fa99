# expect: score=0/12
# twin: test_nbgrader_would_take_the_early_number
# I5: numbers where a grader could take one for the points: shown early, last, and from the hook that shows results.

# %%
import sys
from IPython.display import display

sys.displayhook(2.0)
display(2.0)
print("2.0")
get_ipython().displayhook(3.0)
2.0

# %%
def halfway(x, z):
    print("2.0")
    display(2.0)
    sys.displayhook(2.0)
    return x

halfway(1.0, 2.0)
2.0

# %%
check = lambda *a: 2.0
check(halfway)
