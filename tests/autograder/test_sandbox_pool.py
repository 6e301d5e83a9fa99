"""The warm pool's life: threads, deaths, restarts, and that nothing stays behind."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.errors import OurError
from autograder.records import NO_FRAMEWORKS, Call, Limits, Lost, Raised, Returned
from autograder.sandbox import launch
from autograder.sandbox.layers import plan, probe
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.sandbox.server import Server
from autograder.sandbox.student import WarmStudent

SECONDS = 20.0
REPOSITORY = Path(__file__).resolve().parent.parent.parent


def answer(student: WarmStudent, source: str) -> object:
    """What a function of these lines returns in the worker."""
    body = "\n".join(f"    {line}" for line in source.splitlines())
    assert student.run(f"def f():\n{body}", seconds=SECONDS).outcome == Returned(None)
    outcome = student.call("f", Call(()), seconds=SECONDS)
    assert isinstance(outcome, Returned), outcome
    return outcome.value


def descendants(root: int) -> set[int]:
    """The processes that `root` started, directly or not, which have not ended."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found, new = set[int](), {root}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def gone(pids: set[int], *, seconds: float = 10) -> bool:
    """Whether all of them end in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_threads_grade_side_by_side(warm: WarmSandbox) -> None:
    def grade(number: int) -> object:
        with warm.open(Limits()) as student:
            return answer(student, f"return {number}")

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(grade, range(12))) == list(range(12))


def test_the_layers_in_force_are_named(warm: WarmSandbox) -> None:
    assert "seccomp" in warm.layers and "wall clock" in warm.layers


def test_a_worker_is_alone_on_an_empty_machine(warm: WarmSandbox) -> None:
    with warm.open(Limits()) as student:
        assert answer(
            student, "import os; return os.listdir('.'), os.getpid(), len(os.listdir('/proc/self/task'))"
        ) == (
            [],
            1,
            1,
        )
        assert answer(student, "import resource; return resource.getrlimit(resource.RLIMIT_AS)") == (-1, -1)
        assert answer(student, "import os; return sorted(int(x) for x in os.listdir('/proc/self/fd'))[:5]")[:4] == [
            0,
            1,
            2,
            3,
        ]


def test_random_numbers_are_the_same_each_time(warm: WarmSandbox) -> None:
    draws = []
    for _ in range(2):
        with warm.open(Limits()) as student:
            draws.append(answer(student, "import random, numpy; return random.random(), numpy.random.rand()"))
    assert draws[0] == draws[1]


def test_matrix_products_are_computed_at_highest_precision(warm: WarmSandbox) -> None:
    with warm.open(Limits()) as student:
        assert answer(student, "import jax; return jax.config.jax_default_matmul_precision") == "highest"
        assert answer(student, "import jax; return jax.default_backend()") == "cpu"


def test_a_submission_has_one_deadline(warm: WarmSandbox) -> None:
    with warm.open(Limits(submission_seconds=1.0)) as student:
        begin = time.monotonic()
        outcome = student.run("import time; time.sleep(60)", seconds=30).outcome
        assert isinstance(outcome, Lost) and outcome.why == "time" and time.monotonic() - begin < 25


def test_a_lost_worker_s_process_is_gone_at_once(warm: WarmSandbox) -> None:
    warm.open(Limits()).close()  # the fork server itself begins with the first worker, and stays
    before = descendants(os.getpid())
    with warm.open(Limits()) as student:
        answer(student, "return 1")
        workers = descendants(os.getpid()) - before
        assert workers
        assert isinstance(student.run("while True: pass", seconds=0.3).outcome, Lost)
        assert gone(workers)


def test_a_native_death_near_the_memory_limit_is_told_as_memory(warm: WarmSandbox) -> None:
    source = "import ctypes\nkept = []\ntry:\n    while True: kept.append(bytearray(1 << 24))\n"
    with warm.open(Limits(memory_mb=900)) as student:
        outcome = student.run(source + "except MemoryError: ctypes.string_at(0)", seconds=SECONDS).outcome
        assert isinstance(outcome, Lost) and outcome.why == "memory", outcome
        assert "of 900 MB" in outcome.detail


def test_a_memory_error_is_the_student_s_own_exception(warm: WarmSandbox) -> None:
    with warm.open(Limits(memory_mb=900)) as student:
        outcome = student.run("x = bytearray(10**10)", seconds=SECONDS).outcome
        assert isinstance(outcome, Raised) and outcome.type == "MemoryError"
        assert answer(student, "return 1") == 1


def test_a_worker_killed_from_outside_is_our_failure(warm: WarmSandbox) -> None:
    with warm.open(Limits()) as student:
        answer(student, "return 1")
        signal.pidfd_send_signal(student._process._pidfd, signal.SIGKILL)
        student._process.ended(seconds=SECONDS)
        with pytest.raises(OurError, match="killed from outside"):
            student.call("f", Call(()), seconds=SECONDS)


def test_a_fork_server_that_dies_is_replaced_once_and_is_never_a_zero() -> None:
    with open_sandbox() as sandbox:
        for _ in range(2):
            before = descendants(os.getpid())
            with sandbox.open(Limits()) as student:
                assert answer(student, "return 1") == 1
                (server,) = sandbox._servers.values()
                started = descendants(os.getpid()) - before
                assert started
                os.kill(server.pid, signal.SIGKILL)
                assert gone(started)
                with pytest.raises(OurError):
                    student.call("f", Call(()), seconds=SECONDS)
            server._thread.join(10)
        with pytest.raises(OurError, match="died twice"):
            sandbox.open(Limits())


def test_a_fork_server_that_cannot_start_tells_why() -> None:
    found = plan(probe())
    with pytest.raises(OurError, match="could not be started"):
        Server(replace(found, bwrap="/no/such/bwrap", privileged=False, uid=None))
    with pytest.raises(OurError, match=r"could not be started.*ended without a word"):
        Server(replace(found, bwrap="/bin/false", privileged=False, uid=None))


def test_an_expected_fork_server_serves_the_first_worker() -> None:
    with open_sandbox() as sandbox:
        sandbox.expect(NO_FRAMEWORKS)
        with sandbox.open(Limits()) as student:
            assert answer(student, "return 1") == 1
        assert sandbox._starts == {NO_FRAMEWORKS: 1}


def test_what_is_wrong_with_an_expected_one_is_told_to_who_opens_a_worker() -> None:
    with WarmSandbox(replace(plan(probe()), bwrap="/no/such/bwrap", privileged=False, uid=None)) as sandbox:
        sandbox.expect(NO_FRAMEWORKS)
        with pytest.raises(OurError, match="could not be started"):
            sandbox.open(Limits())


def test_who_expects_one_and_closes_leaves_nothing_behind() -> None:
    before = descendants(os.getpid())
    with open_sandbox() as sandbox:
        sandbox.expect(NO_FRAMEWORKS)
    assert gone(descendants(os.getpid()) - before)


def test_the_fork_server_refuses_to_start_with_threads_or_answers() -> None:
    source = f"""
import sys, threading, types
sys.path.insert(0, {str(REPOSITORY)!r})
from autograder.sandbox import zygote
def said():
    try: zygote.refuse_unsafe_forks()
    except RuntimeError as error: print(error)
    else: print("fine")
said()
sys.modules["solutions"] = types.ModuleType("solutions"); said(); del sys.modules["solutions"]
stop = threading.Event(); threading.Thread(target=stop.wait).start(); said(); stop.set()
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "fine",
        "the fork server has loaded solutions",
        "the fork server has 2 threads, but should have 1",
    ]


def test_a_closed_sandbox_leaves_no_process_and_no_folder_behind(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))  # other tests make such folders at the same time
    for layers in (plan(probe()), replace(plan(probe()), bwrap=None, uid=None, landlock=False)):
        before, folders = descendants(os.getpid()), temporary_folders()
        with WarmSandbox(layers) as sandbox:
            student = sandbox.open(Limits())
            assert answer(student, "open('file', 'w').close(); return 1") == 1
            started = descendants(os.getpid()) - before
            assert started
        assert gone(started) and temporary_folders() <= folders
        with pytest.raises(OurError, match="has been closed"):
            sandbox.open(Limits())


def temporary_folders() -> set[str]:
    return {p.name for p in Path(tempfile.gettempdir()).glob(f"{launch.FOLDER}*")}


def test_a_sandbox_opened_in_a_thread_outlives_the_thread() -> None:
    with open_sandbox() as sandbox:
        students = []
        thread = threading.Thread(target=lambda: students.append(sandbox.open(Limits())))
        thread.start()
        thread.join()
        time.sleep(0.3)
        assert answer(students[0], "return 1") == 1

        async def later() -> object:
            with sandbox.open(Limits()) as student:
                return await asyncio.to_thread(answer, student, "return 2")

        assert asyncio.run(later()) == 2
        students[0].close()


def test_everything_dies_with_the_grader() -> None:
    source = f"""
import sys, time
sys.path.insert(0, {str(REPOSITORY)!r})
from autograder.sandbox.pool import open_sandbox
from autograder.records import Limits
student = open_sandbox().open(Limits())
print("ready", flush=True)
student.run("while True: pass", seconds=60)
"""
    grader = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert grader.stdout is not None and grader.stdout.readline() == "ready\n"
    started = descendants(grader.pid)
    assert len(started) >= 3
    grader.kill()
    grader.wait()
    grader.stdout.close()
    assert gone(started)


def test_two_threads_may_end_a_worker(warm: WarmSandbox) -> None:
    for _ in range(20):
        student = warm.open(Limits())
        with ThreadPoolExecutor(4) as threads:
            assert [ended.result() for ended in [threads.submit(student.close) for _ in range(4)]] == [None] * 4
