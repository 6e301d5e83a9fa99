# expect: lost protocol
# without a format of our own: succeeds
# I9: send a pickle instead of a frame.

# %%
import gc, os, pickle

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]

class Payload:
    def __reduce__(self):
        return eval, ("{'id': %d, 'kind': 'returned', 'value': __import__('os').getpid(), 'seconds': 0.0, 'changed': ()}" % transport._asked,)

def attack(facts):
    os.write(3, pickle.dumps(Payload()))
