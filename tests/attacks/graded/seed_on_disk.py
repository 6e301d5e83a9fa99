# expect: score=0/12
# twin: test_without_a_sandbox_the_seed_is_read
# I7, S1, S4: print the seed, the hidden sheet, the gradebook, the instructor's notebook, and what the process was started with.

# %%
import glob, os

seen = []
for top in ("{{STATE}}", "{{ROOT}}", os.path.expanduser("~"), "/proc/1", "/proc/self"):
    for pattern in ("seeds/*", "sheets/*.json", "gradebook.db", "source/*.py", "source/*/*.ipynb", "reports/*/*.json", "submitted/*/*/*.ipynb", "environ", "cmdline"):
        for path in glob.glob(os.path.join(top, pattern)):
            try:
                seen.append(open(path, errors="replace").read())
            except OSError:
                pass
print("".join(seen)[:200_000])
print(dict(os.environ))

# %%
def halfway(x, z):
    raise RuntimeError("".join(seen))
