# expect: blocked
# without layers: succeeds
# I6: write to one's own memory through /proc, past every protection of a page.

# %%
import ctypes

TARGET = ctypes.create_string_buffer(b"before")

def attack(facts):
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(ctypes.addressof(TARGET))
        memory.write(b"after!")
    return TARGET.value == b"after!"
