"""Keeping the programs with which workers begin: compiled once, on the trusted side, in a folder they only read."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from autograder.errors import OurError
from autograder.sandbox import launch, warm
from autograder.sandbox.warm import COMPILED, PROGRAMS, READY

FILL_SECONDS = 900
PAYS = 200
"""Submissions for which filling the folder, half a minute, costs less than it saves: a third of a second each."""
PAYS_WHEN_FILLED = 40
"""Submissions for which loading the programs, five to seven seconds at a fork server's start, does."""


def warm_folder(programs: Path, state: Path, submissions: int = PAYS) -> Path | None:
    """The folder of compiled programs for the list in the file `programs`, filled if need be; None without a list, or
    where it would cost so many submissions more than it saves.

    One process fills it while others wait. What is compiled depends on the versions of JAX and on the processor.
    """
    if not programs.is_file() or submissions < PAYS_WHEN_FILLED:
        return None
    text = programs.read_bytes()
    compiler = Path(warm.__file__).read_bytes()  # what it leaves out of the programs may change, too
    flags = launch.environment("")["XLA_FLAGS"].encode()
    parts = (text, compiler, flags, version("jax").encode(), version("jaxlib").encode(), _processor())
    folder = state / "warm" / hashlib.blake2b(b"\0".join(parts), digest_size=12).hexdigest()
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(folder.parent / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / READY).exists():
            if submissions < PAYS:
                return None
            for made in (folder, folder / COMPILED):
                made.mkdir(exist_ok=True)
                made.chmod(0o755)  # the workers' user reads it; the folder above is closed to everybody else
            (folder / PROGRAMS).write_bytes(text)
            _fill(folder)
    return folder


def _fill(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=launch.FOLDER) as home:
        done = subprocess.run(
            launch.python_command(str(launch.PACKAGE.parent), "warm", str(folder)),
            env=launch.environment(home),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=FILL_SECONDS,
            check=False,
        )
    if done.returncode:
        raise OurError(f"the workers' programs could not be compiled ({done.returncode}): {done.stderr.strip()[-500:]}")
    for path in (*folder.iterdir(), *(folder / COMPILED).iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _processor() -> bytes:
    """What compiled code may rely on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return b""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "").encode()
