# expect: blocked
# in the grader's process: no verdict
# V1, V2: a signal handler that raises, all the time, in whatever the worker is doing.

# %%
import signal, time

class Alarm(BaseException):
    pass

def ring(number, frame):
    raise Alarm

def attack(facts):
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
    time.sleep(1)
