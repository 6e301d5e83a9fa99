"""Which protections this machine has: each one tried, not assumed, and which of them a sandbox will use.

`probe` tries, `plan` decides (it is pure), `facts` explains to a person. Nothing here grades.
"""

from __future__ import annotations

import os
import platform
import pwd
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import UsageError
from autograder.sandbox import launch, seccomp

LANDLOCK_WITH_TCP = 4
UNASSIGNED_UIDS = range(61_300, 61_400)
NOT_TRIED = "not tried, because bubblewrap works as root"
TRUSTED = "NONE: submissions are trusted (--trust-submissions)"


class MissingLayers(UsageError):
    """This machine cannot enclose a submission; the message names each missing layer and its fix."""


@dataclass(frozen=True)
class Machine:
    """What was found by trying. An empty text means that it works; otherwise it is the reason why not."""

    root: bool
    uid: int | None  # whom a worker should be, when we are root
    bwrap: str | None  # where the program is
    bwrap_as_root: str
    bwrap_as_user: str
    landlock: int
    landlock_held: str
    seccomp_held: str
    uid_switch: str
    cgroup: bool


@dataclass(frozen=True)
class Plan:
    """How workers will be enclosed. `bwrap` is None where namespaces are refused."""

    bwrap: str | None
    privileged: bool  # bubblewrap is started as root, and the fork server leaves root behind inside
    uid: int | None
    landlock: bool
    seccomp: bool
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One line for `autograder doctor`: what holds, what it means if it does not, and how to mend that.

    Without a fact that is `needed`, nothing is graded here.
    """

    name: str
    ok: bool
    promise: str
    meaning: str
    fix: str
    needed: bool = True


def probe() -> Machine:
    """What this machine offers, found by trying each layer in a throw-away process. As root, what is there for where
    bubblewrap does not work as root is tried only if it does not."""
    root = os.geteuid() == 0
    uid = unassigned_uid() if root else None
    bwrap = shutil.which("bwrap", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/local/bin")

    def enclosed(privileged: bool) -> str:
        absent = "bubblewrap is not installed"
        return launch.tried_in_bwrap(bwrap, privileged=privileged, uid=uid) if bwrap else absent

    def outside(uid: int | None = None) -> Mapping[str, Any]:
        return launch.tried(launch.direct_command("outside", "-"), uid=uid)

    with ThreadPoolExecutor(2) as pool:
        first, direct = pool.submit(enclosed, root), pool.submit(outside)
        as_root = first.result() if root else ""
        as_user = pool.submit(enclosed, False) if as_root else None
        switched = pool.submit(outside, uid) if as_root else None
    held = direct.result()
    return Machine(
        root=root,
        uid=uid,
        bwrap=bwrap,
        bwrap_as_root=as_root,
        bwrap_as_user=as_user.result() if as_user else NOT_TRIED if root else first.result(),
        landlock=int(held.get("landlock", 0)),
        landlock_held=str(held.get("landlock_held", held.get("failed"))),
        seccomp_held=str(held.get("seccomp_held", held.get("failed"))),
        uid_switch=str(switched.result().get("failed", "")) if switched else NOT_TRIED if root else "",
        cgroup=_memory_cgroup(),
    )


def plan(machine: Machine, *, trust: bool = False) -> Plan:
    """The strongest enclosure that `machine` can hold. `MissingLayers` if it is too weak, unless `trust`."""
    seccomp_ok, landlock_ok = not machine.seccomp_held, machine.landlock > 0 and not machine.landlock_held
    privileged = machine.root and not machine.bwrap_as_root
    namespaces = machine.bwrap is not None and (privileged or not machine.bwrap_as_user)
    switched = machine.root and (namespaces or not machine.uid_switch)
    missing = tuple(f for f in facts(machine) if not f.ok and f.needed)
    if missing and not trust:
        raise MissingLayers(_refusal(missing))
    layers = [
        *(["namespaces (bubblewrap)"] if namespaces else []),
        *([f"Landlock {machine.landlock}"] if landlock_ok else []),
        *(["seccomp"] if seccomp_ok else []),
        *([f"user {machine.uid}"] if switched else []),
        "resource limits",
        "wall clock",
    ]
    return Plan(
        bwrap=machine.bwrap if namespaces else None,
        privileged=privileged,
        uid=machine.uid if switched else None,
        landlock=landlock_ok,
        seccomp=seccomp_ok,
        layers=(*([TRUSTED] if missing else []), *layers),
    )


def facts(machine: Machine | None = None) -> tuple[Fact, ...]:
    """Every layer, whether it works here, what its absence means, and the fix."""
    m = machine or probe()
    blocked = m.bwrap_as_root and m.bwrap_as_user if m.root else m.bwrap_as_user
    landlock = m.landlock >= LANDLOCK_WITH_TCP and not m.landlock_held
    namespaces = m.bwrap is not None and not blocked
    return (
        Fact(
            "bubblewrap",
            m.bwrap is not None,
            "It can start each submission in a world of its own.",
            "Submissions cannot be given a file system and a network of their own.",
            "Install the package 'bubblewrap' (version 0.5 or newer).",
            needed=not landlock,
        ),
        Fact(
            "namespaces",
            not blocked,
            "A submission sees no file, process or network of yours.",
            f"Bubblewrap could not make namespaces ({_short(blocked)}). Landlock and seccomp must do; then disk use is "
            "limited for each file only, processes are counted for each user, and a submission can ask whether a file "
            "is there, and for its size.",
            "Allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns), or grade outside of an ordinary pod.",
            needed=not landlock,
        ),
        Fact(
            "Landlock",
            landlock,
            "The kernel guards files and connections once more.",
            f"{_landlock_lacks(m)}. Without namespaces, nothing else guards the files.",
            "Use a kernel 6.7 or newer with 'landlock' in CONFIG_LSM (or in the boot parameter lsm=).",
            needed=not namespaces,
        ),
        Fact(
            "seccomp",
            not m.seccomp_held,
            "A submission can start no process, open no socket and reach no other process.",
            f"System calls cannot be filtered{_reason(m.seccomp_held)}: a submission could start processes, open "
            "sockets and reach for other processes.",
            f"Use a kernel with CONFIG_SECCOMP_FILTER, on {' or '.join(seccomp.MACHINES)} (not {platform.machine()}).",
        ),
        Fact(
            "unprivileged user",
            not m.root or not m.uid_switch or not m.bwrap_as_root,
            "No submission runs as root.",
            f"You are root, and submissions could not be run as anyone else{_reason(m.uid_switch)}.",
            "Grade as an ordinary user, or install Python and this package where every user may read them.",
        ),
        Fact(
            "memory cgroup",
            m.cgroup,
            "The memory of a whole run can be limited from outside, too.",
            "Memory is limited for each process by the kernel's RLIMIT_DATA only.",
            "Nothing to do: this is enough. With a delegated cgroup v2, the limit would also hold for the whole run.",
            needed=False,
        ),
    )


def unassigned_uid() -> int:
    """A user number that belongs to nobody on this machine."""
    for uid in UNASSIGNED_UIDS:
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid
    raise UsageError("no user number is free for submissions")


def _refusal(missing: tuple[Fact, ...]) -> str:
    lines = [f"- {f.name}: {f.meaning}\n  {f.fix}" for f in missing]
    return (
        "Submissions are not graded, because this machine cannot enclose them:\n"
        + "\n".join(lines)
        + "\nIf you trust every submission, --trust-submissions grades without these protections."
    )


def _landlock_lacks(machine: Machine) -> str:
    if machine.landlock >= LANDLOCK_WITH_TCP:
        return f"Landlock does not hold here{_reason(machine.landlock_held)}"
    spoken = f"version {machine.landlock} of Landlock" if machine.landlock else "no Landlock"
    wanted = f"The kernel speaks {spoken}, but should speak version {LANDLOCK_WITH_TCP} or newer"
    return wanted + _reason(machine.landlock_held)


def _reason(text: str) -> str:
    """Why, in brackets, to follow a word."""
    return f" ({_short(text)})" if text else ""


def _short(text: str) -> str:
    return text.strip().splitlines()[-1][:200] if text.strip() else "no reason given"


def _memory_cgroup() -> bool:
    try:
        return "memory" in Path("/sys/fs/cgroup/cgroup.controllers").read_text()
    except OSError:
        return Path("/sys/fs/cgroup/memory").is_dir()
