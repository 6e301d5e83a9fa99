# expect: blocked
# in the grader's process: succeeds
# Gain rights: another user, a capability, a program with the setuid bit.

# %%
import os

def attack(facts):
    gained = [name for name, act in (("setuid", lambda: os.setuid(0)), ("setgid", lambda: os.setgid(0)), ("setgroups", lambda: os.setgroups([0]))) if not refused(act)]
    for line in open("/proc/self/status"):
        if line.startswith(("CapPrm", "CapEff", "CapInh", "CapAmb")) and int(line.split()[1], 16):
            gained.append(line)
        if line.startswith("NoNewPrivs") and line.split()[1] != "1":
            gained.append(line)
    return gained + (["is root"] if os.getuid() == 0 else [])

def refused(act):
    try:
        act()
    except OSError:
        return True
