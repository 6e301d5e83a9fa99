# expect: score=0/12
# twin: test_without_a_sandbox_the_gradebook_is_rewritten
# I8: give yourself all points, and the others none, in the gradebook; overwrite the work and the report of another.

# %%
import glob, os, sqlite3

def spoil():
    try:
        with sqlite3.connect("file:{{ROOT}}/gradebook.db?mode=rw", uri=True, timeout=1) as book:
            book.execute("update grade set manual_score = 0")
    except sqlite3.Error as error:
        print(type(error).__name__)
    for path in (*glob.glob("{{ROOT}}/submitted/*/toy/toy.ipynb"), *glob.glob("{{ROOT}}/reports/toy/*.json"), "{{ROOT}}/submitted/honest/toy/toy.ipynb", "{{ROOT}}/source/toy.py"):
        try:
            open(path, "w").write("spoiled")
        except OSError:
            pass

spoil()

# %%
def halfway(x, z):
    spoil()
    return x
