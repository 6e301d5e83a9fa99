# expect: blocked
# without layers: succeeds
# I7: learn the machine's folders from the mount table.

# %%
def attack(facts):
    return open("/proc/self/mountinfo").read()
