# expect: blocked
# in the grader's process: succeeds
# I7: use what was left open: the fork server's own channel, its files, or a folder outside.

# %%
import os, stat

def attack(facts):
    found = []
    for number in (*range(3), *range(4, 256)):
        try:
            kind = os.fstat(number)
        except OSError:
            continue
        device = stat.S_ISCHR(kind.st_mode) and os.major(kind.st_rdev) == 1
        own = stat.S_ISREG(kind.st_mode) and kind.st_nlink == 0
        if not (device or own):
            found.append((number, oct(kind.st_mode)))
    return found
