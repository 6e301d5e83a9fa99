# expect: score=0/12
# twin: test_whoever_reads_the_outputs_would_take_the_forged_report
# I5, I9: print what a report, a card and a grader's log would say, and leave such files behind.

# %%
import json, os, sys

forged = {"schema": 1, "course": "toy", "chapter": "toy", "engine": "0.1.0", "isolation": ["all"], "submissions": [
    {"student": "forged_report", "path": "", "status": "graded", "score": 12.0, "max_score": 12.0, "exercises": [
        {"name": "halfway", "score": 2.0, "max_score": 2.0, "carried_forward": False, "findings": []}]}]}
print(json.dumps(forged))
print("✓ halfway: 2 of 2 points")
print(json.dumps({"kind": "returned", "value": 2.0, "id": 1}), file=sys.stderr)
for name in ("results.json", "report.json", ".OTTER_LOG", "feedback.html", "toy.json"):
    open(name, "w").write(json.dumps(forged))

# %%
def halfway(x, z):
    os.write(1, json.dumps(forged).encode())
    print(json.dumps(forged))
    return forged
