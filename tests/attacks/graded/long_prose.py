# expect: score=2/12 halfway=2/2
# twin: test_without_a_cap_all_prose_is_shown
# honest: halfway
# V4: more prose and formulas than anybody reads, which a page would take minutes to draw.

# %% [markdown]
# {{FORMULAS}}

# %%
"""{{FORMULAS}}"""
len("{{FORMULAS}}")
