# expect: blocked
# in the grader's process: no verdict
# V1: refuse, from an audit hook, whatever the process does next. It is only the student's own process that stops.

# %%
import sys

def attack(facts):
    def refuse(event, args):
        raise RuntimeError(event)

    sys.addaudithook(refuse)
    return [open("/dev/null")]
