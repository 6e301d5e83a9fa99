# expect: returned 1.0
# twin: graded/rewritten_cells
# I4: rewrite later cells and silence errors. What counts is what the name is bound to, and calls go round the shell.

# %%
ip = get_ipython()
ip.input_transformers_post.append(lambda lines: ["def attack(facts): return 1.0\n"])
ip.showtraceback = lambda *a, **k: None

# %%
def attack(facts):
    return 2.0
