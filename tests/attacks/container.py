"""A look-alike of Gradescope's container on this machine: a root of its own, in which root runs what the zip brings.

Bubblewrap shows it Python, the libraries, and `/autograder` as Gradescope lays it out. Root inside is the machine's own,
with the rights that container engines leave to it, and a filter like theirs refuses namespaces and mounts.
"""

import errno
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox import launch, seccomp

RIGHTS = "chown dac_override fowner fsetid kill mknod net_bind_service setfcap setgid setpcap setuid sys_chroot"
"""The capabilities that Docker leaves to root, but for raw sockets and the audit log."""

REFUSED = (
    "unshare setns mount umount2 pivot_root move_mount open_tree fsopen fsmount fsconfig fspick mount_setattr ptrace bpf"
)
SECONDS = 600
METADATA = {
    "id": 1,
    "users": [{"name": "Ada", "email": "ada@example.org"}],
    "previous_submissions": [{"score": 12.0, "results": {"tests": [{"name": "For staff", "output": "the hidden inputs"}]}}],
}


@dataclass(frozen=True)
class Run:
    """What a submission came to: `results.json`, what the instructor reads, and what is left in the container."""

    status: int
    results: Mapping[str, Any]
    printed: str
    left: tuple[str, ...]


def build(bundle: bytes, image: Path) -> Path:
    """Unpacks the zip, and runs its `setup.sh`, for which Python and the libraries are installed already."""
    for name in ("source", "submission", "results"):
        (image / "autograder" / name).mkdir(parents=True)
    (image / "opt" / "python").mkdir(parents=True)
    (image / "bin").mkdir()
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, image / "autograder" / "source"))
            path.chmod(stat.S_IMODE(member.external_attr >> 16))
    shutil.copy(image / "autograder" / "source" / "run_autograder", image / "autograder" / "run_autograder")
    python = image / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    python.write_text('#!/bin/bash\n[ "$*" = "-m venv /opt/autograder/python" ]\n')  # it is shown there, read-only
    python.chmod(0o755)
    said = _inside(image, "/bin/bash /autograder/source/setup.sh", writable="opt")
    assert said.returncode == 0, said.stderr
    assert "exercises are ready" in said.stdout, said.stdout
    return image


def run(image: Path, notebooks: Mapping[str, str], *, without: str = "", layered: bool = True) -> Run:
    """Hands in these files, and grades them. `without` names system calls that this container refuses as well; with
    `layered=False`, nothing encloses the submission, to show what the layers are for."""
    with tempfile.TemporaryDirectory(prefix="container-") as place:
        begun = Path(shutil.copytree(image, Path(place, "begun")))
        root = begun / "autograder"
        (root / "submission_metadata.json").write_text(json.dumps(METADATA))
        for name, text in notebooks.items():
            (root / "submission" / name).write_text(text, "utf-8")
        if not layered:
            unguard(begun / "opt" / "engine" / "autograder" / "backends" / "gradescope" / "run.py")
        done = _inside(begun, SCRIPT, without=without)
        results = json.loads((root / "results" / "results.json").read_text())
        said, _, left = done.stdout.rpartition("LEFT:")
        return Run(done.returncode, results, said + done.stderr, tuple(left.split()))


SCRIPT = """
/autograder/run_autograder
status=$?
for stat in /proc/[0-9]*/comm; do name=$(cat $stat 2>/dev/null); case "$name" in bash|cat|bwrap|"") ;; *) left="$left $name" ;; esac; done
echo "LEFT:$left" $(ls -A /tmp /var/tmp /dev/shm | grep -v :)
exit $status
"""


def _inside(image: Path, script: str, *, without: str = "", writable: str = "") -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryFile() as rules:
        rules.write(filter_like_dockers(without.split()))
        rules.seek(0)
        command = [*enclosed(image, rules.fileno(), writable), "/bin/bash", "-c", script]
        return subprocess.run(
            command, pass_fds=[rules.fileno()], capture_output=True, text=True, timeout=SECONDS, check=False
        )


def enclosed(image: Path, rules: int, writable: str) -> list[str]:
    """The command line up to what is run inside, as root, in `/autograder`."""
    bwrap = shutil.which("bwrap")
    assert bwrap is not None
    venv = Path(sys.prefix)
    shown = [p for p in launch.readable() if not p.startswith(f"{venv}/")]
    shown += ["/usr/bin", "/bin", "/etc/passwd", "/etc/group", launch.PROCESSORS]
    command = [bwrap, "--die-with-parent", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--cap-drop", "ALL", *(w for right in RIGHTS.split() for w in ("--cap-add", f"cap_{right}"))]
    command += launch.mounts(shown, also_into=["/opt/autograder/x", "/autograder/x", "/var/tmp/x", "/image/x"])
    command += ["--bind" if writable else "--ro-bind", str(image / "opt"), "/opt/autograder"]
    command += ["--ro-bind", str(venv), "/opt/autograder/python", "--bind", str(image / "autograder"), "/autograder"]
    command += ["--ro-bind", str(image / "bin"), "/image"]
    command += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]
    command += ["--perms", "1777", "--tmpfs", "/var/tmp", "--clearenv", "--setenv", "PATH", "/image:/usr/bin:/bin"]
    return [*command, "--chdir", "/autograder", "--seccomp", str(rules), "--"]


def filter_like_dockers(without: list[str]) -> bytes:
    """The kernel's filter: no namespaces, no mounts, and none of the calls named in `without`."""
    found = seccomp.machine()
    assert found is not None
    number = seccomp.numbers(found) | {"landlock_create_ruleset": 444, "seccomp": 317 if found.column == 0 else 277}
    program = [seccomp._load(seccomp.NUMBER)]
    for name in [*REFUSED.split(), *without]:
        program += [seccomp._step(seccomp.EQUAL, number[name], 0, 1), seccomp._refuse(errno.EPERM)]
    program += [seccomp._step(seccomp.EQUAL, number["clone3"], 0, 1), seccomp._refuse(errno.ENOSYS)]
    spaces = [seccomp._argument(0), seccomp._step(seccomp.ANY_BIT, seccomp.NEW_NAMESPACES, 0, 1)]
    program += [seccomp._step(seccomp.EQUAL, number["clone"], 0, 3), *spaces, seccomp._refuse(errno.EPERM)]
    return b"".join([*program, seccomp._end(seccomp.ALLOW)])


def unguard(path: Path) -> None:
    """Takes the sandbox out of the engine that the container has."""
    text = path.read_text()
    bare = "Plan(None, privileged=False, uid=None, landlock=False, seccomp=False, layers=('NONE',))"
    imported = "from autograder.sandbox.pool import open_sandbox\n"
    assert text.count(imported) == 1
    changed = text.replace(
        imported,
        "from autograder.sandbox.layers import Plan\nfrom autograder.sandbox.pool import WarmSandbox\n"
        f"def open_sandbox(): return WarmSandbox({bare})\n",
    )
    path.write_text(changed)


def possible() -> bool:
    """Whether this machine can be made to look so: root is needed, as in Gradescope's containers."""
    return os.geteuid() == 0 and shutil.which("bwrap") is not None
