# expect: blocked
# without layers: succeeds
# twice
# I14: leave files where the next one's Python, IPython, JAX or plotting would look, or where all can read.

# %%
import os, tempfile

PLACES = ("{home}/.ipython/profile_default/startup/00.py", "{home}/usercustomize.py", "{home}/.keras/keras.json", "{home}/.matplotlib/matplotlibrc",
          "{plots}/matplotlibrc", "{plots}/fontlist-v390.json", "{tmp}/left", "/tmp/autograder-left", "/dev/shm/autograder-left", "/var/tmp/autograder-left", "{canary}.left")

def attack(facts):
    found = []
    home, tmp = os.environ.get("HOME", "/"), tempfile.gettempdir()
    names = {"home": home, "tmp": tmp, "plots": os.environ.get("MPLCONFIGDIR", tmp), "canary": facts["canary"]}
    for path in {place.format(**names) for place in PLACES}:
        try:
            if os.path.exists(path):
                found.append(path)
                os.unlink(path)
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write("# left behind\n")
        except OSError:
            pass
    return found
