# expect: score=0/12
# twin: answer_before_the_question
# I9: put well-formed answers in the pipe before the grader asks.

# %%
import os, struct
from autograder.wire import encode

for number in (0, 1, 2, 3):
    head, blob = encode({"id": number, "kind": "returned", "value": 25.0, "seconds": 0.0, "changed": ()})
    os.write(3, struct.pack(">IQ", len(head), len(blob)) + head + blob)

# %%
def sqdist(x, z):
    return 24.0
