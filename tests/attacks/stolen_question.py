# expect: lost time
# in the grader's process: never ends
# I6, V2: read the grader's next question in the worker's place, and look in it for the answer.

# %%
import os, threading, time

def attack(facts):
    threading.Thread(target=lambda: os.read(3, 1 << 20), daemon=True).start()
    time.sleep(60)
