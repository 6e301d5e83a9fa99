# expect: score=12/12
# twin: start_a_process
# honest: halfway sqdist table nearest Line visits
# I14: threads, timers, exit handlers and files that would act on the next submission.

# %%
import atexit, os, threading, time

def late():
    for _ in range(1000):
        time.sleep(0.05)
        open("late", "a").write("late")

for _ in range(3):
    threading.Thread(target=late, daemon=False).start()
threading.Timer(0.2, late).start()
atexit.register(lambda: (time.sleep(60), os.write(3, b"late")))
for start in (os.fork, os.setsid):
    try:
        if start() == 0:
            time.sleep(600)
    except OSError:
        pass
os.makedirs("sitecustomize", exist_ok=True)
open("sitecustomize/__init__.py", "w").write("raise SystemExit")
