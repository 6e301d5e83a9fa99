"""Other kinds of machines than this one, each simulated in a process of its own, and what the attacks come to there."""

import json
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.sandbox import launch

HERE = Path(__file__).resolve().parent
KINDS = ("user", "refused")
"""An ordinary user; one to whom the kernel refuses user namespaces, as in a container with the usual profile."""

NOBODY = "61400"


@lru_cache
def on_a_machine(kind: str, job: str) -> Any:
    """The report of `as_another_user` on a machine of this kind. `job` is `seam`, `warm`, `graded` or `kinds`."""
    root = os.geteuid() == 0
    script = [sys.executable, str(HERE / "as_another_user.py"), kind, NOBODY if root else "-", job]
    command = [*open_to_all(), *script] if root else script
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def open_to_all() -> list[str]:
    """A command that shows Python and these tests in folders which any user may enter, as root's own may not be."""
    bwrap = shutil.which("bwrap")
    assert bwrap is not None
    shown = launch.mounts([*launch.readable(), str(launch.PACKAGE), str(HERE.parent), "/usr/bin", "/sys"])
    places = ["--bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]
    # The empty /tmp comes first: this repository may lie below it.
    return [bwrap, "--die-with-parent", *places, *shown, "--chdir", "/", "--"]
