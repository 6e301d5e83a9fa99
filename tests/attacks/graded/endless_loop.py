# expect: score=10/12 halfway=0/2
# twin: python_loop
# honest: sqdist table nearest Line visits
# V2: an exercise that never answers, and takes no signal for it.

# %%
import signal

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU):
    signal.signal(number, signal.SIG_IGN)

def halfway(x, z):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
