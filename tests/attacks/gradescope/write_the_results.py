# expect: sqdist=0/3
# without layers: sqdist=3/3
# I8: writes results of its own, and puts a link and a program in the way of the grader's
# %%
import os

FORGED = '{"score": 1000, "output": "forged"}'
written = []
for path in ("/autograder/results/results.json", "/autograder/results/forged.json", "/autograder/run_autograder"):
    for mode in ("w", "a"):
        try:
            with open(path, mode) as file:
                file.write(FORGED)
            written.append(path)
        except OSError:
            pass
for act in (
    lambda: os.symlink("/tmp/mine", "/autograder/results/.results.json.1"),
    lambda: os.rename("/autograder/results", "/autograder/old"),
    lambda: os.chmod("/autograder/source", 0o777) or os.listdir("/autograder/source"),
):
    try:
        act()
        written.append(act)
    except OSError:
        pass


def sqdist(x, z):
    return ((x - z) ** 2).sum() if written else 0.0 * x[0]
