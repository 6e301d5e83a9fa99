# expect: blocked
# without layers: succeeds
# I14: signal, reschedule or limit every other process. (With a signal that is ignored, and the schedule that they have.)

# %%
import os, resource, signal

def attack(facts):
    done = []
    for pid in (facts["pid"], -1, 2, 3, os.getppid() or 4):
        for what, act in (
            ("kill", lambda: os.kill(pid, signal.SIGURG)),
            ("prlimit", lambda: resource.prlimit(pid, resource.RLIMIT_CORE)),
            ("scheduler", lambda: os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))),
        ):
            try:
                act()
                done.append((what, pid))
            except (OSError, ValueError):
                pass
    return done
