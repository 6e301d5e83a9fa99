# expect: blocked
# without layers: succeeds
# I7: read other processes' environments, memory and open files through /proc.

# %%
import os

def attack(facts):
    read = []
    for pid in [name for name in os.listdir("/proc") if name.isdigit()] if os.access("/proc", os.R_OK) else []:
        if int(pid) != os.getpid():
            for what in ("environ", "maps", "cmdline"):
                try:
                    if open(f"/proc/{pid}/{what}", "rb").read():
                        read.append(f"{pid}/{what}")
                except OSError:
                    pass
    for what in ("mem", "environ", "root/etc/passwd", "cwd"):
        try:
            read.append(open(f"/proc/{facts['pid']}/{what}", "rb").name)
        except OSError:
            pass
    return read
