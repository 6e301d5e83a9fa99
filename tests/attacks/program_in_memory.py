# expect: blocked
# without layers: succeeds
# I14: a program that lies in memory only, and is run from there.

# %%
import os, sys

def attack(facts):
    memory = os.memfd_create("program")
    with open(os.path.realpath(sys.executable), "rb") as program:
        os.write(memory, program.read())
    child = os.posix_spawn(f"/proc/self/fd/{memory}", ["python", "-I", "-S", "-c", "raise SystemExit(7)"], {"PYTHONHOME": sys.base_prefix})
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
