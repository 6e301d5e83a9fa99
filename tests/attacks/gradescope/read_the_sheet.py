# expect: halfway=0/2
# without layers: halfway=2/2
# I7, S1, S4: reads the zip's contents, earlier results and the grader's own process, by every path that leads there
# %%
import glob
import os

PLACES = ["/autograder/source/*", "/autograder/submission_metadata.json", "/autograder/results/*", "/autograder/*"]
PLACES += [f"/proc/{pid}/{way}" for pid in (1, os.getppid()) for way in ("root/autograder/source/*", "environ", "mem")]

seen = []
for place in PLACES:
    for path in glob.glob(place) or [place]:
        try:
            with open(path, "rb") as file:
                seen.append(file.read(1000))
        except OSError:
            pass
for folder in ("/autograder", "/autograder/source", "/autograder/source/course"):
    try:
        seen += os.listdir(folder)
    except OSError:
        pass


def halfway(x, z):
    return (x + z) / 2 if any(seen) else 0 * x
