"""Layers are tried, not assumed; a machine too weak is refused with the fix; each layer holds by itself."""

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.sandbox import launch, layers, seccomp
from autograder.sandbox.layers import TRUSTED, Machine, MissingLayers, facts, plan

STRONG = Machine(
    root=False,
    uid=None,
    bwrap="/usr/bin/bwrap",
    bwrap_as_root="",
    bwrap_as_user="",
    landlock=7,
    landlock_held="",
    seccomp_held="",
    uid_switch="",
    cgroup=True,
)
NO_NAMESPACES = replace(STRONG, bwrap_as_user="bwrap: No permissions to create new namespace")
TESTS = Path(__file__).resolve().parent.parent


def test_a_strong_machine_uses_every_layer() -> None:
    assert plan(STRONG).layers == ("namespaces (bubblewrap)", "Landlock 7", "seccomp", "resource limits", "wall clock")
    assert all(fact.ok for fact in facts(STRONG))


def test_root_leaves_root_behind_inside_the_namespaces() -> None:
    found = plan(replace(STRONG, root=True, uid=61300, uid_switch="Python is out of reach"))
    assert (found.privileged, found.uid) == (True, 61300) and "user 61300" in found.layers


def test_root_that_may_not_mount_changes_the_user_first() -> None:
    found = plan(replace(STRONG, root=True, uid=61300, bwrap_as_root="mount refused"))
    assert (found.bwrap, found.privileged, found.uid) == ("/usr/bin/bwrap", False, 61300)


def test_without_namespaces_landlock_and_seccomp_do() -> None:
    found = plan(NO_NAMESPACES)
    assert found.bwrap is None and found.layers == ("Landlock 7", "seccomp", "resource limits", "wall clock")


@pytest.mark.parametrize(
    ("machine", "named"),
    [
        (replace(STRONG, seccomp_held="no table"), ["seccomp"]),
        (replace(NO_NAMESPACES, landlock=0), ["namespaces", "Landlock"]),
        (replace(NO_NAMESPACES, landlock=3), ["namespaces", "Landlock"]),
        (replace(NO_NAMESPACES, landlock_held="refused"), ["namespaces", "Landlock"]),
        (replace(NO_NAMESPACES, bwrap=None, landlock=0), ["bubblewrap", "namespaces", "Landlock"]),
        (
            replace(NO_NAMESPACES, root=True, uid=9, bwrap_as_root="no", uid_switch="Permission denied: 'python'"),
            ["unprivileged user"],
        ),
    ],
)
def test_a_machine_too_weak_is_refused_with_each_missing_layer_and_its_fix(machine: Machine, named: list[str]) -> None:
    with pytest.raises(MissingLayers) as refusal:
        plan(machine)
    text = str(refusal.value)
    assert isinstance(refusal.value, UsageError) and "--trust-submissions" in text
    by_name = {fact.name: fact for fact in facts(machine)}
    for name, fact in by_name.items():
        assert (f"- {name}: " in text) == (name in named)
        assert fact.fix and fact.meaning
        if name in named:
            assert not fact.ok and fact.fix in text


def test_trust_says_so_and_keeps_what_is_possible() -> None:
    found = plan(replace(NO_NAMESPACES, landlock=0), trust=True)
    assert found.layers == (TRUSTED, "seccomp", "resource limits", "wall clock")
    assert TRUSTED == "NONE: submissions are trusted (--trust-submissions)"
    assert plan(STRONG, trust=True) == plan(STRONG)


def test_this_machine_can_grade() -> None:
    machine = layers.probe()
    assert machine.landlock_held == machine.seccomp_held == ""
    assert plan(machine).layers


@pytest.mark.parametrize("refused", ["", "mount refused"])
def test_root_tries_the_other_ways_only_where_its_own_fails(refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, bool | int | None]] = []

    def in_bwrap(bwrap: str, *, privileged: bool, uid: int | None) -> str:
        tried.append(("bwrap", privileged))
        return refused if privileged else ""

    def outside(command: list[str], *, uid: int | None) -> dict[str, object]:
        tried.append(("outside", uid))
        return {"landlock": 7, "landlock_held": "", "seccomp_held": ""}

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(layers, "unassigned_uid", lambda: 61300)
    monkeypatch.setattr("shutil.which", lambda *args, **options: "/usr/bin/bwrap")
    monkeypatch.setattr(launch, "tried_in_bwrap", in_bwrap)
    monkeypatch.setattr(launch, "tried", outside)
    machine = layers.probe()
    found = plan(machine)
    assert (found.bwrap, found.privileged, found.uid) == ("/usr/bin/bwrap", not refused, 61300)
    assert all(fact.ok for fact in facts(machine))
    first, fallback = {("bwrap", True), ("outside", None)}, {("bwrap", False), ("outside", 61300)}
    assert set(tried) == (first | fallback if refused else first) and len(tried) == len(set(tried))


def test_the_probe_tells_why_bubblewrap_fails() -> None:
    assert "No such file" in launch.tried_in_bwrap("/no/such/bwrap", privileged=False, uid=None)
    assert launch.tried_in_bwrap("/bin/false", privileged=False, uid=None) == "the trial ended with status 1"


def test_the_probe_notices_a_layer_that_only_claims_to_work(tmp_path: Path) -> None:
    # A bubblewrap that runs its command without any enclosure cannot show a worker its scratch folder.
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    assert launch.tried_in_bwrap(str(fake), privileged=False, uid=None)


def in_a_process(source: str) -> str:
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(TESTS.parent)!r})\n{source}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


LANDLOCKED = """
from autograder.sandbox import landlock
import os, tempfile
folder = tempfile.mkdtemp()
secret = os.path.join(folder, "secret"); open(secret, "w").write("x")
mine = os.path.join(folder, "mine"); os.mkdir(mine)
if {on}: landlock.restrict(landlock.Allowed(read=("/proc", "/nowhere"), write=(mine,)))
done = []
for name, path, mode in (("read", secret, "r"), ("write", secret, "a"), ("own", mine + "/file", "w")):
    try:
        open(path, mode).close(); done.append(name)
    except PermissionError: pass
print(*done)
"""


def test_landlock_leaves_only_what_is_allowed() -> None:
    assert in_a_process(LANDLOCKED.format(on=True)) == "own"
    assert in_a_process(LANDLOCKED.format(on=False)) == "read write own"


FILTERED = """
from autograder.sandbox import seccomp
import mmap, os, socket, sys, ctypes
if {on}: seccomp.restrict()
def fork():
    if os.fork() == 0: os._exit(0)
done = []
for name, act in (("socket", socket.socket), ("fork", fork), ("shared", lambda: mmap.mmap(-1, 4096)),
                  ("memfd", lambda: os.memfd_create("x")),
                  ("exec", lambda: os.posix_spawn("/bin/true", ["true"], {{}})),
                  ("other", lambda: os.kill(os.getppid(), 0)), ("self", lambda: os.kill(os.getpid(), 0)),
                  ("pair", socket.socketpair),
                  ("private", lambda: mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))):
    try: act(); done.append(name)
    except OSError: pass
import threading
threading.Thread(target=lambda: done.append("thread")).start()
print(*done)
"""


def test_seccomp_refuses_processes_sockets_and_uncounted_memory_only() -> None:
    assert in_a_process(FILTERED.format(on=True)) == "self pair private thread"
    assert in_a_process(FILTERED.format(on=False)).startswith("socket fork shared memfd exec other self")


def test_seccomp_fails_closed_on_a_machine_without_a_table() -> None:
    source = "from autograder.sandbox import seccomp, trial\nimport platform\nplatform.machine = lambda: 'riscv64'\n"
    assert "no table of system calls for riscv64" in in_a_process(source + "print(trial.held(trial.seccomp_holds))")


def test_a_trial_that_does_not_hold_is_told() -> None:
    source = "from autograder.sandbox import seccomp, trial\nseccomp.restrict = lambda: None\n"
    assert "a socket can still be made" in in_a_process(source + "print(trial.held(trial.seccomp_holds))")
    source = "from autograder.sandbox import landlock, trial\nlandlock.restrict = lambda allowed: None\n"
    assert "can still be listed" in in_a_process(source + "print(trial.held(trial.landlock_holds))")
    assert in_a_process("from autograder.sandbox import trial\nimport os\nprint(trial.held(os.abort))").startswith(
        "ended"
    )


def test_every_refused_call_has_a_number_on_every_machine() -> None:
    for machine in seccomp.MACHINES.values():
        names = seccomp.numbers(machine)
        absent = {name for name in seccomp.REFUSED.split() if name not in names}
        assert absent <= {"chown", "ioperm", "iopl", "lchown", "modify_ldt", "sysfs", "uselib", "ustat"}
        assert len(set(names.values())) == len(names)


HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_kernel_s_headers(machine: str) -> None:
    if not os.path.exists(HEADERS[machine]):
        pytest.skip("the kernel's headers are not installed")
    lines = [
        line.split() for line in Path(HEADERS[machine]).read_text().splitlines() if line.startswith("#define __NR")
    ]
    known = {w[1].removeprefix("__NR_").removeprefix("__NR3264_"): int(w[2]) for w in lines if w[2:] and w[2].isdigit()}
    for name, number in seccomp.numbers(seccomp.MACHINES[machine]).items():
        assert known[name] == number, name


def test_a_change_of_user_that_can_be_undone_is_refused() -> None:
    source = "import os\nos.setgroups = os.setresgid = os.setresuid = lambda *a: None\n"
    source += "from autograder.sandbox.syscalls import switch_user\ntry: switch_user(9)\nexcept OSError as e: print(e)"
    assert in_a_process(source) == "the change of user can be undone"


def test_nothing_but_python_and_the_worker_s_files_is_shown() -> None:
    command = launch.bwrap_command("bwrap", privileged=False)
    shown = [b for a, b in itertools.pairwise(command) if a in ("--ro-bind", "--bind", "--dev-bind")]
    repository = str(TESTS.parent)
    assert not [p for p in shown if repository == p or repository.startswith(f"{p}/")]
    ours = {p.removeprefix(f"{launch.PACKAGE}/") for p in shown if p.startswith(str(launch.PACKAGE))}
    assert ours == set(launch.FILES)
    assert not ours & {"author.py", "sheet.py", "judge.py", "grade.py", "sandbox/pool.py", "sandbox/local.py"}


def test_a_strict_umask_does_not_close_the_engine_to_workers(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        engine = Path(launch.staged(tmp_path))
    finally:
        os.umask(before)
    for path in (engine, *engine.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_the_environment_is_empty_of_the_grader_s() -> None:
    assert "PYTHONPATH" not in launch.environment("/x") and "VIRTUAL_ENV" not in launch.environment("/x")
    assert all("grade" not in f"{name}{value}".lower() for name, value in launch.environment("/x").items())
