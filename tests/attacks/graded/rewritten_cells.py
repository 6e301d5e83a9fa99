# expect: score=0/12
# in the student's kernel: assert np.allclose(halfway(x, z), reference_halfway(x, z))
# I4: rewrite all later cells, wrap the shell that runs them, and silence every error.

# %%
ip = get_ipython()
ip.input_transformers_post.append(lambda lines: ["2.0\n"] if any("check(" in l or "assert" in l for l in lines) else lines)
ip.events.register("pre_run_cell", lambda info: setattr(info, "raw_cell", "2.0"))
ip.events.register("post_run_cell", lambda result: setattr(result, "error_in_exec", None))
ip.showtraceback = ip._showtraceback = lambda *a, **k: None
real = ip.run_cell
ip.run_cell = lambda raw, *a, **k: real("2.0" if "check(" in raw or "assert" in raw else raw, *a, **k)

# %%
def halfway(x, z):
    return x

# %%
check(halfway)

# %%
def sqdist(x, z):
    return 0.0

# %%
check(sqdist)
