"""Runs the attacks as an ordinary user, and prints what went wrong with each, as JSON on standard output.

Arguments: `user`, or `refused` where the kernel is to refuse user namespaces; the user's number, if it must change
first, or `-`; `seam`, `warm` (the attacks that are about what workers inherit), `graded` or `kinds` (the
classes of these folders). Bubblewrap itself brings the refusal about: in a user namespace in which no more may be made,
which is what a process meets in a container with the usual seccomp profile.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS / "attacks")]

from autograder.sandbox.syscalls import switch_user  # noqa: E402

kind, user, job = sys.argv[1:]
if user != "-":
    switch_user(int(user))
if kind == "refused":
    begin = ["bwrap", "--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--", sys.executable, __file__]
    os.execvp("bwrap", [*begin, "inside", "-", job])

import seam  # noqa: E402
from autograder.sandbox.pool import WarmSandbox, open_sandbox  # noqa: E402


def programs(folder: Path) -> Path | None:
    """What is traced before workers begin, if that is the job."""
    if job != "warm":
        return None
    import inheriting

    return inheriting.list_of_programs(folder)


def attack(sandbox: WarmSandbox, folder: Path) -> object:
    if job == "seam":
        with seam.grader_s_things(folder) as facts:
            return seam.report(sandbox, seam.ATTACKS, facts)
    if job == "warm":
        import inheriting

        inheriting.wait_until_traced(sandbox, folder / "list.json")
        with seam.grader_s_things(folder) as facts:
            return seam.report(sandbox, {name: seam.ATTACKS[name] for name in inheriting.ABOUT_IT}, facts)
    if job == "kinds":
        import kinds_class

        return kinds_class.report_of(sandbox)
    import graded_class

    return graded_class.report_of(sandbox, folder)


before = seam.temporary()
with tempfile.TemporaryDirectory(prefix="things-") as folder:
    with open_sandbox(programs=programs(Path(folder))) as sandbox:
        alone = seam.remains(sandbox)
        sandbox.start()
        wrong = attack(sandbox, Path(folder))
    things = sorted(path.name for path in Path(folder).iterdir())
left = sorted([*(seam.temporary() - before), *seam.lingering(sandbox, alone)])
print(json.dumps({"layers": sandbox.layers, "user": os.getuid(), "wrong": wrong, "left": left, "things": things}))
