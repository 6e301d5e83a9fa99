# expect: score=12/12
# twin: test_with_a_higher_limit_all_output_is_kept
# honest: halfway table nearest Line visits
# V4: more output than anybody reads, from a cell and from an exercise, which answers all the same.

# %%
for number in range(3000):
    print("x" * 1000)
print("y" * 5_000_000)

# %%
def sqdist(x, z):
    print("z" * 1_000_000)
    gap = x - z
    return gap @ gap
