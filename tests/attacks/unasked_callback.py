# expect: lost protocol
# without a list of offers: tells the canary
# I9: ask for a function of the grader's that was not offered.

# %%
import gc

(transport,) = [thing for thing in gc.get_objects() if type(thing).__name__ == "Transport" and hasattr(thing, "_asked")]

def attack(facts):
    return transport.call_back({"kind": "callback", "spy": 1, "args": ("sheet",)}, lambda value: None)
