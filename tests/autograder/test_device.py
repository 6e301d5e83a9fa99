"""A GPU is looked for, opened to workers and to nothing else, and proven by one. No card is needed: JAX's CPU backend
takes its place (`stand_in`), on the same path."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autograder import doctor
from autograder.errors import AuthorError, OurError, UsageError
from autograder.records import Call, Limits, Lost, Returned, Submission
from autograder.sandbox import launch, zygote
from autograder.sandbox.device import CPU, Device, NoGpu, find_gpu, share_of, variables
from autograder.sandbox.layers import Plan
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.sandbox.proof import prove
from autograder.scale import remote
from autograder.scale.where import Where
from autograder.session import open_session, placed, placed_sheet, wants_gpu
from autograder.settings import Settings

ROOT = Path(__file__).parents[2]
NODE = "/dev/zero"
STAND_IN = Device("gpu", "stand-in", nodes=(NODE,), share=0.45)
ON_GPU = Limits(device="gpu", check_seconds=60)
WORKER = f"""
def reads_the_node():
    with open({NODE!r}, "rb") as file:
        return file.read(1) == bytes(1)

def names_a_thread():
    import threading
    with open(f"/proc/self/task/{{threading.get_native_id()}}/comm", "w") as file:
        file.write("cuda")
    return True

def memory_in_a_file(flags):
    import os
    return os.memfd_create("driver", flags) > 0

def shared_memory():
    import mmap
    return len(mmap.mmap(-1, 1 << 20))

def socket():
    import socket
    socket.socket()

def fork():
    import os
    return os.fork()

def variable(name):
    import os
    return os.environ.get(name, "")
"""


@pytest.fixture(scope="module")
def both():
    """A sandbox with the stand-in for a card."""
    with open_sandbox(gpu=STAND_IN) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=["cpu", "gpu"])
def ask(request, both):
    """Calls a function of `WORKER` in a worker on one of the devices; says on which."""
    with both.open(Limits(device=request.param)) as student:
        assert student.run(WORKER, seconds=60).outcome == Returned(None)

        def called(name, *args):
            return student.call(name, Call(args), seconds=60)

        called.device = request.param
        yield called


def machine(root: Path, *, library: str = "usr/lib64", **extra: str) -> Path:
    """The files of a machine with a card of NVIDIA's."""
    files = {
        "dev/nvidia0": "",
        "dev/nvidiactl": "",
        "dev/nvidia-uvm": "",
        "dev/nvidia-uvm-tools": "",
        f"{library}/libcuda.so.1": "",
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t NVIDIA A100\nDevice Minor: \t 0\n",
        **extra,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


# ---- finding one ----------------------------------------------------------------------------------------------------


def test_a_machine_without_a_card_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        find_gpu(root=tmp_path, has=lambda name: None)
    assert str(refused.value) == (
        "There is no GPU to grade on: no card is visible (there is no /dev/nvidia0); NVIDIA's driver library "
        "libcuda.so.1 is not there; JAX has no plugin for CUDA (pip install 'jax[cuda12]'). --device cpu grades "
        "everything on the CPU."
    )


@pytest.mark.parametrize("gone", ["dev/nvidiactl", "dev/nvidia-uvm"])
def test_a_card_without_its_driver_s_nodes_is_refused(tmp_path: Path, gone: str) -> None:
    (machine(tmp_path) / gone).unlink()
    with pytest.raises(NoGpu, match=f"GPU to grade on: /{gone} is not there. "):
        find_gpu(root=tmp_path, has=bool)


def test_a_card_is_found_with_its_nodes_and_its_share(tmp_path: Path) -> None:
    root = machine(tmp_path, **{"dev/nvidia-caps/nvidia-cap12": "", "dev/nvidia1": ""})
    found = find_gpu(root=root, slots=4, has=bool)
    assert (found.name, found.platforms, found.platform, found.share) == ("NVIDIA A100", "cuda,cpu", "gpu", 0.22)
    caps = "/dev/nvidia-caps/nvidia-cap12"
    assert found.nodes == ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", caps)
    assert "LD_LIBRARY_PATH" not in variables(found)
    assert found.layers == ("GPU NVIDIA A100: its driver is open to submissions",)


def test_a_driver_that_the_loader_does_not_know_is_alone_on_the_library_path(tmp_path: Path) -> None:
    found = find_gpu(root=machine(tmp_path, library="usr/local/nvidia/lib64"), has=bool)
    assert variables(found)["LD_LIBRARY_PATH"] == "/usr/local/nvidia/lib64"


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 7])
def test_all_shares_together_leave_room_on_the_card(slots: int) -> None:
    assert 0.8 < slots * share_of(slots) <= 0.9


def test_workers_on_the_cpu_have_the_environment_they_always_had() -> None:
    assert variables(CPU) == {}
    before, after = launch.environment("/s"), launch.environment("/s", device=STAND_IN)
    assert (before["JAX_PLATFORMS"], before["CUDA_VISIBLE_DEVICES"]) == ("cpu", "")
    assert after["JAX_DEFAULT_MATMUL_PRECISION"] == "highest" and after["NVIDIA_TF32_OVERRIDE"] == "0"
    assert after["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.45" and after["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_only_a_worker_on_the_card_is_shown_its_nodes() -> None:
    shown = " ".join(launch.bwrap_command("bwrap", privileged=False, device=STAND_IN))
    assert f"--dev-bind {NODE} {NODE}" in shown
    assert NODE not in " ".join(launch.bwrap_command("bwrap", privileged=False))


# ---- a worker on it -------------------------------------------------------------------------------------------------


def test_only_a_worker_on_the_card_reaches_what_its_driver_needs(ask) -> None:
    opened = {
        "the node": ask("reads_the_node"),
        "names of threads": ask("names_a_thread"),
        "sealed memory": ask("memory_in_a_file", 8),
        "shared memory": ask("shared_memory"),
    }
    assert {name: isinstance(o, Returned) for name, o in opened.items()} == dict.fromkeys(opened, ask.device == "gpu")


def test_nothing_else_is_open_to_it(ask) -> None:
    assert [getattr(ask(name, *args), "type", None) for name, *args in (("socket",), ("fork",))] == [
        "OSError",
        "BlockingIOError",
    ]
    assert ask("memory_in_a_file", 1).type == "PermissionError"  # which could be made a program


def test_it_has_its_share(ask) -> None:
    share = "0.45" if ask.device == "gpu" else ""
    assert ask("variable", "XLA_PYTHON_CLIENT_MEM_FRACTION").value == share


def test_its_context_is_open_before_the_student_s_first_line(both) -> None:
    source = "from jax._src import xla_bridge\ndef f():\n    return xla_bridge.backends_are_initialized()"
    for device, begun in (("cpu", False), ("gpu", True)):
        with both.open(Limits(device=device)) as student:
            student.run(source, seconds=60)
            assert student.call("f", Call(()), seconds=60).value is begun


def test_what_cannot_open_a_context_is_our_failure(both) -> None:
    broken = replace(STAND_IN, platform="gpu")
    with open_sandbox(gpu=broken) as sandbox, pytest.raises(OurError, match="could not be confined"):
        sandbox.open(ON_GPU)
    with open_sandbox(gpu=broken) as sandbox, pytest.raises(NoGpu) as refused:
        prove(sandbox, broken, ON_GPU)
    told = str(refused.value)
    assert told.startswith("An enclosed worker could not compute on stand-in: ")
    assert "JAX computes on the platform cpu, but should on gpu" in told
    assert told.endswith("--device cpu grades on the CPU; docs/gpu.md says what a worker needs of a card.")


def test_a_sandbox_without_a_card_computes_nothing_elsewhere() -> None:
    bare = WarmSandbox(Plan(None, privileged=False, uid=None, landlock=False, seccomp=False, layers=()))
    with pytest.raises(OurError, match="a worker should compute on the gpu, but this sandbox has none"):
        bare.open(ON_GPU)
    with pytest.raises(OurError, match="should compute on the cpu"):
        WarmSandbox(bare._plan, device=STAND_IN).open(Limits())


def test_a_fork_server_that_holds_a_card_does_not_serve(monkeypatch) -> None:
    monkeypatch.setattr(os, "listdir", lambda path: ["0"])
    monkeypatch.setattr(os.path, "realpath", lambda path: "/dev/nvidiactl")
    with pytest.raises(RuntimeError, match=r"opened a GPU|has started XLA"):
        zygote.refuse_unsafe_forks()


# ---- proving it -----------------------------------------------------------------------------------------------------


class Answers:
    """A sandbox whose worker answers the trial with this."""

    layers = ()

    def __init__(self, outcome):
        self.outcome = outcome

    def open(self, limits, **options):
        return self

    def run(self, source, *, seconds):
        return None

    def call(self, target, call, *, seconds):
        return self.outcome

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


def product(dtype=np.float32):
    x = (np.arange(64.0 * 64).reshape(64, 64) / 64**2).astype(dtype).astype(np.float32)
    return x @ x


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Returned(("cpu", product())), "JAX computes on the platform cpu, but should on gpu"),
        (Returned(("gpu", product(np.float16))), "products of matrices are rounded, but should have single precision"),
        (Lost("exit", "the process ended"), "the process ended"),
    ],
)
def test_a_card_that_is_not_used_as_it_should_be_is_refused(outcome, message: str) -> None:
    with pytest.raises(NoGpu) as refused:
        prove(Answers(outcome), replace(STAND_IN, platform="gpu"), ON_GPU)
    assert message in str(refused.value) and "Nothing was graded." in str(refused.value)


def test_one_that_is_passes() -> None:
    prove(Answers(Returned(("gpu", product()))), replace(STAND_IN, platform="gpu"), ON_GPU)


def test_the_doctor_tells_of_a_card_or_of_what_is_missing(both) -> None:
    fact = doctor._gpu()
    assert (fact.name, fact.ok, fact.needed) == ("GPU", False, False) and "no card is visible" in fact.meaning

    fact = doctor._gpu(lambda: STAND_IN)
    assert (fact.name, fact.ok) == ("GPU stand-in", True)


# ---- who asks for it ------------------------------------------------------------------------------------------------


def with_limits(chapter, **limits):
    return replace(chapter, course=replace(chapter.course, limits=replace(chapter.course.limits, **limits)))


def test_the_command_outdoes_the_course_and_the_exercise(toy, toy_sheet) -> None:
    first, *rest = toy_sheet.exercises
    sheet = replace(toy_sheet, exercises=(replace(first, limits={"device": "gpu", "memory_mb": 900}), *rest))
    assert placed_sheet(sheet, None) is sheet
    assert placed_sheet(sheet, "cpu").exercises[0].limits == {"memory_mb": 900}
    assert not wants_gpu(toy, None) and not wants_gpu(placed(with_limits(toy, device="gpu"), "cpu"), "cpu")
    assert wants_gpu(with_limits(toy, device="gpu"), None) and wants_gpu(placed(toy, "gpu"), "gpu")


def test_an_exercise_asks_for_it(toy_root: Path, tmp_path: Path) -> None:
    path = toy_root / "source" / "toy.py"
    text = path.read_text()
    changed = text.replace("(toy.halfway, points=2", '(toy.halfway, limits={"device": "gpu"}, points=2')
    assert changed != text
    path.write_text(changed)
    settings = Settings(toy_root, tmp_path)
    with pytest.raises(NoGpu, match="no card is visible"):
        open_session(settings, "toy", open_sandbox)
    code = "import sys; from autograder.cli import main; sys.argv = ['autograder', 'grade', 'toy', 'nobody']; main()"
    (toy_root / "nobody").mkdir()
    done = subprocess.run([sys.executable, "-c", code], cwd=toy_root, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr


def test_nothing_but_a_device_s_name_is_a_device(toy_root: Path) -> None:
    from autograder.author import exercise
    from autograder.course import load_course

    def doubled(x: float) -> float:
        """Twice `x`."""
        return 2 * x

    with pytest.raises(AuthorError, match="doubled has the device 'tpu', but it should be 'cpu' or 'gpu'"):
        exercise(doubled, points=1, limits={"device": "tpu"})
    path = toy_root / "source" / "course.toml"
    path.write_text(path.read_text().replace("[limits]", '[limits]\ndevice = "tpu"'))
    with pytest.raises(AuthorError, match="device = 'tpu', but it should be cpu or gpu"):
        load_course(toy_root)


def test_a_cluster_is_not_asked_for_it(toy_root: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="The workers of a cluster compute on the CPU, but a GPU is asked for"),
        remote.open_remote(Settings(toy_root, tmp_path), "toy", Where(), device="gpu", tell=print),
    ):
        pass


def test_verdicts_are_the_same_and_are_kept_apart(toy_root: Path, tmp_path: Path, toy_source: str, both) -> None:
    settings = Settings(toy_root, tmp_path)
    submission = Submission("ada", "", {0: toy_source.replace("/ 2", "/ 3")})

    def graded(device):
        options = {"device": device, "find": lambda slots: replace(STAND_IN, share=share_of(slots))}
        with open_session(settings, "toy", lambda **_: Unclosed(both), **options) as session:
            return session.grade(submission), session.kept.folder, session.sandbox.layers

    on_cpu, kept_cpu, _ = graded("cpu")
    on_gpu, kept_gpu, layers = graded("gpu")
    assert on_gpu.status == "graded" and 0 < on_gpu.score < on_gpu.max_score
    assert on_gpu.verdicts == on_cpu.verdicts
    assert kept_cpu != kept_gpu and not on_gpu.known
    assert layers[-1] == "GPU stand-in: its driver is open to submissions"


class Unclosed:
    """The sandbox that other tests still need."""

    def __init__(self, sandbox):
        self.open, self.expect, self.layers = sandbox.open, sandbox.expect, sandbox.layers

    def close(self):
        pass


def test_the_command_without_a_card_says_so_and_grades_nothing(toy_root: Path) -> None:
    (toy_root / "submitted" / "ada" / "toy").mkdir(parents=True)
    (toy_root / "submitted" / "ada" / "toy" / "toy.ipynb").write_text("{}")
    code = "from autograder.cli import main; main()"
    command = [sys.executable, "-c", code, "grade", "toy", "submitted", "--device", "gpu"]
    done = subprocess.run(command, cwd=toy_root, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith(
        "autograder: There is no GPU to grade on: no card is visible"
    )


def test_the_benchmark_says_what_is_missing_too() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "With --stand-in, JAX's CPU backend takes its place." in done.stderr


@pytest.mark.long
def test_the_benchmark_runs_with_the_stand_in(tmp_path: Path) -> None:
    words = ["--stand-in", "--course", str(ROOT / "tests" / "toy"), "--children", "1", "2"]
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), *words, "--json", str(tmp_path / "gpu.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| toy | halfway | 1 | none |" in done.stdout and (tmp_path / "gpu.json").stat().st_size > 100
