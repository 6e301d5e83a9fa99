# expect: score=2/12 halfway=2/2
# twin: test_without_a_cap_the_outputs_of_all_cells_are_kept
# honest: halfway
# V4: many cells, each of which puts out as much as one cell may.

# %%
FLOOD = "y" * 60_000

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)

# %%
print(FLOOD)
