# expect: lost protocol
# without a cap on lengths: the grader raises MemoryError
# I9: have the interpreter itself write to the grader's channel.

# %%
import faulthandler

def attack(facts):
    faulthandler.dump_traceback(3)
    return 1.0
