# expect: lost protocol
# without a list of records: succeeds
# I9: rewrite the worker's encoder to send a record that only the grader may write.

# %%
import sys

worker = sys.modules["autograder.sandbox.worker"]
real = worker.encode

def forged(tree, **options):
    head, blob = real(tree, **options)
    return head.replace(b'null', b'{"$r":["Check",{"label":"mine","kind":"value"}]}'), blob

worker.encode = forged

# %%
def attack(facts):
    return None
