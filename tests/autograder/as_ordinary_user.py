"""Run as an ordinary user: hostile submissions in one kind of sandbox, their outcomes as JSON on standard output.

Arguments: `namespaces` or `landlock`; the user's number if it must change first, or `-`; names of attacks.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS / "attacks")]

from autograder.sandbox.syscalls import switch_user  # noqa: E402

kind, user, *names = sys.argv[1:]
if user != "-":
    switch_user(int(user))

from test_attacks import ATTACKS, attacked, grader_s_things, succeeded  # noqa: E402

from autograder.records import Lost, Raised  # noqa: E402
from autograder.sandbox.launch import FOLDER  # noqa: E402
from autograder.sandbox.layers import probe  # noqa: E402
from autograder.sandbox.pool import open_sandbox  # noqa: E402

machine = probe()
if kind == "landlock":
    machine = replace(machine, bwrap=None, bwrap_as_user="refused for this test")
report: dict[str, object] = {}
with tempfile.TemporaryDirectory(prefix="things-") as folder, grader_s_things(Path(folder)) as facts:
    with open_sandbox(machine=machine) as sandbox:
        report["layers"] = sandbox.layers
        for name in names:
            match attacked(sandbox, ATTACKS[name], facts):
                case Lost(why):
                    report[name] = f"lost {why}"
                case Raised(kind):
                    report[name] = f"raised {kind}"
                case outcome:
                    report[name] = "succeeded" if succeeded(outcome) else "blocked"
    report["left"] = sorted(p.name for p in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"))
print(json.dumps(report))
