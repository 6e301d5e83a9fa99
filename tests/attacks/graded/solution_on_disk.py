# expect: score=0/12
# twin: test_without_a_sandbox_the_solution_is_found_on_disk
# I7: run the instructor's solution from wherever it may lie.

# %%
import glob, os, sys

def places():
    yield from ("{{ROOT}}", "..", "../..", "/", os.environ.get("OLDPWD", "/"), os.environ.get("AUTOGRADER_COURSE", "/"))
    yield from ("/proc/%d/%s" % (pid, what) for pid in (1, 2, os.getppid()) for what in ("cwd", "root"))

def solution():
    for place in places():
        for path in ("solutions/toy.py", "source/toy.py"):
            try:
                text = open(os.path.join(place, path)).read()
            except OSError:
                continue
            if "def halfway" in text:
                return text
    try:
        from solutions import toy
        return open(toy.__file__).read()
    except ImportError:
        return ""

exec(solution())
