"""How the fork server is started: its command line, its empty environment, and what bubblewrap shows it.

Only the engine's files named here are visible inside; never the repository, whose other folders hold answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograder.sandbox.device import CPU, Device, variables

PACKAGE = Path(__file__).resolve().parent.parent
ENGINE_FILES = """
    __init__.py arrays.py bindings.py errors.py calls.py records.py lean.py wire.py invoke.py remembering.py scopes.py
    tables.py
    eager/__init__.py eager/algebra.py eager/arrays.py eager/entries.py eager/first_calls.py eager/indexing.py
    eager/keys.py eager/loops.py eager/running.py eager/shapes.py eager/steps.py eager/unknown.py
    sandbox/__init__.py sandbox/beforehand.py sandbox/channel.py sandbox/confinement.py sandbox/landlock.py
    sandbox/outputs.py sandbox/quiet.py sandbox/seccomp.py sandbox/shell.py sandbox/syscalls.py
    sandbox/telling.py sandbox/traced.py sandbox/trial.py sandbox/worker.py sandbox/zygote.py
"""
FILES = ENGINE_FILES.split()
ENGINE, SCRATCH = "/engine", "/scratch"
PROCESSORS = "/sys/devices/system/cpu"
SMALL = 16 << 20
FOLDER = "notebook-"  # of temporary folders: a name that does not give the grader away
TRIAL_SECONDS = 60
PARTS = ("bin", "lib", "lib32", "lib64", "share", "pyvenv.cfg")
BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from importlib import import_module; "
    "import_module('autograder.sandbox.' + sys.argv.pop(1)).main()"
)


def environment(home: str, keras_backend: str = "", device: Device = CPU) -> dict[str, str]:
    """All that the fork server's environment holds. Thread pools must be off before the first import."""
    # Without TensorFlow, which is Keras's own first choice, Keras works only if it is told of another.
    backend = keras_backend or ("" if find_spec("tensorflow") else "jax")
    keras = {"KERAS_BACKEND": backend} if backend else {}
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "TF_INTRAOP", "TF_INTEROP")}
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JAX_PLATFORMS": "cpu",
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
        # Small programs that run once: optimising them costs a fifth of a submission's time, and saves none of it.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
        "CUDA_VISIBLE_DEVICES": "",
        "NPROC": "2",  # the size of XLA's own pool; with 1, a callback into JAX would wait for itself
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Whose last digits depend on the machine, and which compile themselves at the first product: 20 ms a worker.
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        **keras,
        **threads,
        **variables(device),
    }


def python_command(engine: str, module: str, *arguments: str) -> list[str]:
    """Isolated Python running `main` of one of the engine's modules, found in `engine`."""
    return [sys.executable, "-I", "-c", BOOT, engine, module, *arguments]


def direct_command(*arguments: str) -> list[str]:
    """The trial of layers, without bubblewrap."""
    return python_command(str(PACKAGE.parent), "trial", *arguments)


def readable() -> tuple[str, ...]:
    """The folders that Python and its libraries need, without those that could lie around them."""
    prefixes = dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix))
    parts = [f"{prefix}/{part}" for prefix in prefixes for part in PARTS]
    executable = Path(sys.executable)
    chain = [str(executable), str(executable.resolve())]
    system = ["/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    fonts = ["/usr/share/fonts", "/etc/fonts"]
    return tuple(dict.fromkeys(p for p in [*parts, *chain, *system, *fonts] if os.path.exists(p)))


def bwrap_command(bwrap: str, *, privileged: bool, device: Device = CPU) -> list[str]:
    """Bubblewrap's part of the command line: an empty machine with Python, the engine and a little memory disk.

    `privileged` keeps the right to change the user; the fork server does so first of all. `device` is what its workers
    compute on.
    """
    command = [bwrap, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--die-with-parent", "--new-session", "--hostname", "grader", "--cap-drop", "ALL"]
    command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if privileged else ["--unshare-user"]
    engine = [f"{ENGINE}/autograder/{name}" for name in FILES]
    command += mounts([*readable(), *device.libraries, PROCESSORS], also_into=engine)
    for path in installed_engines():
        command += ["--tmpfs", path]
    for name, inside in zip(FILES, engine, strict=True):
        command += ["--ro-bind", str(PACKAGE / name), inside]
    command += ["--proc", "/proc", "--tmpfs", "/dev"]
    for node in ("/dev/null", "/dev/random", "/dev/urandom", *device.nodes):
        command += ["--dev-bind", node, node]
    command += ["--remount-ro", "/dev", "--perms", "0777", "--size", str(SMALL), "--tmpfs", SCRATCH]
    return [*command, "--remount-ro", "/", "--chdir", SCRATCH, "--"]


def mounts(paths: Sequence[str], *, also_into: Sequence[str] = ()) -> list[str]:
    """Bubblewrap's arguments for showing `paths`, read-only, and for making the folders above them and `also_into`."""
    bound: list[str] = []
    command: list[str] = []
    for path in paths:
        if any(path == b or path.startswith(f"{b}/") for b in bound) or not os.path.exists(path):
            continue
        if os.path.islink(path) and path.count("/") == 1:  # /lib -> usr/lib
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind", path, path]
        bound.append(path)
    # What bubblewrap itself makes on the way to a mount is closed to others, and the worker is not root.
    above = {str(folder) for path in (*bound, *also_into) for folder in Path(path).parents} - {"/"}
    open_folders = sorted(f for f in above if not any(f == b or f.startswith(f"{b}/") for b in bound))
    return [*(word for folder in open_folders for word in ("--perms", "0755", "--dir", folder)), *command]


def installed_engines() -> list[str]:
    """Where the whole package lies among the libraries, if it does: there it is hidden."""
    places = {f"{path}/autograder" for path in sys.path if path.startswith((sys.prefix, sys.base_prefix))}
    return sorted(p for p in places if os.path.isdir(p) and p.endswith("-packages/autograder"))


def tried(command: list[str], *, uid: int | None) -> Mapping[str, Any]:
    """What a trial printed, or why there is no answer, under `failed`."""
    with tempfile.TemporaryDirectory(prefix=FOLDER) as home:
        try:
            done = subprocess.run(
                command,
                env=environment(home),
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TRIAL_SECONDS,
                check=False,
                user=uid,
                group=uid,
                extra_groups=None if uid is None else [],
            )
            return json.loads(done.stdout)  # type: ignore[no-any-return]
        except ValueError:
            return {"failed": done.stderr.strip() or f"the trial ended with status {done.returncode}"}
        except (OSError, subprocess.SubprocessError) as error:
            return {"failed": str(error)}


def tried_in_bwrap(bwrap: str, *, privileged: bool, uid: int | None) -> str:
    """The empty string if a worker could be enclosed this way; otherwise the reason why not."""
    user = str(uid) if privileged and uid is not None else "-"
    command = bwrap_command(bwrap, privileged=privileged) + python_command(ENGINE, "trial", "inside", user, SCRATCH)
    answer = tried(command, uid=None if privileged else uid)
    return str(answer.get("divided", answer.get("failed", "no answer")))


def staged(home: Path) -> str:
    """A copy of the engine's files below `home`, for machines where the repository cannot be hidden by mounts."""
    engine = home / "engine"
    for name in FILES:
        copy = engine / "autograder" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((PACKAGE / name).read_bytes())
        copy.chmod(0o644)  # whatever the grader's umask is
    for folder in (engine, *(p for p in engine.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    return str(engine)
