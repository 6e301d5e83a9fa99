# expect: lost protocol
# I9: send a pickle instead of a frame.

# %%
import os, pickle

class Payload:
    def __reduce__(self): return (os.system, ("touch /tmp/pwned",))

def attack(facts):
    os.write(3, pickle.dumps(Payload()))
