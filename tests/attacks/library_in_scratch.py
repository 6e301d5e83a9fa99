# expect: blocked
# without layers: succeeds
# Bring a library along, load it, and let it start a process. Its code runs, and may do no more than the student's may.

# %%
import ctypes, os, shutil

def attack(facts):
    found = next(line.split()[-1] for line in open("/proc/self/maps") if "/libc.so.6" in line or "/libc-2" in line)
    with open(found, "rb") as theirs, open("library.so", "wb") as mine:
        shutil.copyfileobj(theirs, mine)
    library = ctypes.CDLL("./library.so")
    child = library.syscall(57)
    if child == 0:
        os._exit(0)
    return child > 0 or library.syscall(41, 1, 1, 0) >= 0 or library.syscall(59, b"/bin/true", 0, 0) == 0
