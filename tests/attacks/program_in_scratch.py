# expect: blocked
# without layers: succeeds
# I14: write a program to one's own folder, and become it.

# %%
import os

def attack(facts):
    with open("program", "w") as file:
        file.write("#!/bin/sh\nexit 7\n")
    os.chmod("program", 0o700)
    return os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("./program", ["program"], {}), 0)[1]) == 7
