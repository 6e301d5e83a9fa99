# expect: raised RuntimeError
# with processes=400: succeeds
# V3: start more threads than there may be.

# %%
import threading, time

threading.stack_size(1 << 18)  # so that it is not memory that runs out

def attack(facts):
    for _ in range(200):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return True
