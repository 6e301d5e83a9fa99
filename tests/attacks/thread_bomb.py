# expect: raised RuntimeError
# V3: start threads without end.

# %%
import threading, time

def attack(facts):
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
