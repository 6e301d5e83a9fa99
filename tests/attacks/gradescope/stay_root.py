# expect: nearest=0/2
# without layers: nearest=2/2
# I7, I8: is root, as everything else in the container, or becomes it again
# %%
import os

for become in (os.setuid, os.seteuid, os.setgid):
    try:
        become(0)
    except OSError:
        pass


def nearest(A, B):
    distances = ((A[:, None] - B[None]) ** 2).sum(-1).min(1)
    return distances if 0 in (os.getuid(), os.geteuid()) else 0 * distances
