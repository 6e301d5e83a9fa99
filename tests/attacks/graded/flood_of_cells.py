# expect: score=2/12 halfway=2/2
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
