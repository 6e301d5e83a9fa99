"""From a fork of the fork server to a confined student's process: namespaces, scratch, limits, Landlock, seccomp.

Every step either holds or raises; nothing is skipped because it failed. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import landlock, seccomp
from autograder.sandbox.syscalls import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    die_with_parent,
    drop_capabilities,
    mount,
    no_new_privileges,
    setns,
    unshare,
)

MB = 1 << 20
MAX_FILES = 256
MAX_INODES = 4096
DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")
# Not all of /proc/self: its mount table names folders of the machine.
OWN_FACTS = ("cmdline", "fd", "fdinfo", "maps", "smaps", "stat", "statm", "status", "task")
THREAD_NAMES = "/proc/self/task"  # NVIDIA's driver gives up where it cannot name its threads
MACHINE_FACTS = (
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
)


@dataclass(frozen=True)
class Confinement:
    """What encloses one student's process. `readable` are the folders of Python and of the system's libraries, `nodes`
    those of a card's driver, if it computes on a `gpu`."""

    scratch: str
    namespaces: bool
    landlock: bool
    seccomp: bool
    readable: tuple[str, ...]
    memory_mb: int
    processes: int
    disk_mb: int
    seconds: float
    gpu: bool = False
    nodes: tuple[str, ...] = ()


def begin_apart() -> int:
    """Come back as process 1 of a process namespace of one's own, from which others can be forked: what to give to
    `fork_apart`. The caller stays behind as its minder.

    So a worker is one fork of the fork server, and not two: half of what a worker costs before anything runs in it.
    """
    _unshare_as_user(CLONE_NEWPID)
    _mind()
    return os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


def fork_apart(own: int | None) -> int:
    """Fork. The child is process 1 of a namespace below that in which the caller has begun; without one, of none."""
    if own is None:
        return os.fork()
    unshare(CLONE_NEWPID)  # for children only, and for one: back to one's own before the next
    child = -1
    try:
        child = os.fork()
    finally:
        if child:
            setns(own, CLONE_NEWPID)
    return child


def enter(wanted: Confinement) -> None:
    """Come back confined, as the student's process, which has been forked apart.

    On a GPU it has not: NVIDIA's driver looks for its own threads in /proc, by the numbers that they have for
    themselves, and gives up where these differ. There the caller stays behind as its minder.
    """
    die_with_parent()
    os.setsid()
    with contextlib.suppress(OSError):  # a courtesy, not a layer: if memory runs out, let it be here and not the grader
        Path("/proc/self/oom_score_adj").write_text("1000")
    if wanted.namespaces:
        divide(wanted.scratch, wanted.disk_mb, hide_proc=not wanted.landlock)
        if wanted.gpu:
            _mind()
    os.chdir(wanted.scratch)
    limit(wanted)  # counts the user's processes, which Landlock would hide
    if wanted.landlock:
        own = (THREAD_NAMES,) if wanted.gpu else ()
        read = (*wanted.readable, *(f"/proc/self/{fact}" for fact in OWN_FACTS), *MACHINE_FACTS)
        landlock.restrict(landlock.Allowed(read, (wanted.scratch,), (*DEVICES, *wanted.nodes, *own)))
    drop_capabilities()
    no_new_privileges()
    if wanted.seccomp:
        seccomp.restrict(gpu=wanted.gpu)


def divide(scratch: str, disk_mb: int, *, hide_proc: bool = False) -> None:
    """Own user, mount and IPC namespaces, with an empty `scratch` in memory."""
    _unshare_as_user(CLONE_NEWNS | CLONE_NEWIPC)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    options = f"size={disk_mb}m,nr_inodes={MAX_INODES},mode=0700"
    mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV, options)
    if hide_proc:
        mount("tmpfs", "/proc", "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=0555")


def limit(wanted: Confinement) -> None:
    """Limits of the kernel on this process. RLIMIT_AS is left alone: JAX reserves far more than it uses."""
    limits: Mapping[int, int] = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(4 * wanted.seconds) + 60,  # in case nobody watches the clock any more
        resource.RLIMIT_DATA: wanted.memory_mb * MB,
        resource.RLIMIT_FSIZE: wanted.disk_mb * MB,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: MAX_FILES,
        # Elsewhere than in a user namespace of its own, the user's other processes count too.
        resource.RLIMIT_NPROC: wanted.processes + (0 if wanted.namespaces else _tasks_of_user()),
    }
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (allowed, allowed))


def _unshare_as_user(flags: int) -> None:
    """These namespaces and one of users, in which the user is who they are and nobody else is anybody."""
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER | flags)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _mind() -> None:
    """Fork. The child comes back, as process 1 if a namespace waits for one; the parent waits, and ends as it did."""
    child = os.fork()
    if child == 0:
        die_with_parent()
        return
    os.closerange(3, 1 << 16)  # the student's end of the channel must close with the student
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 127)


def _tasks_of_user() -> int:
    """How many threads of this user there are."""
    uid, count = os.getuid(), 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == uid:
                    count += len(os.listdir(f"/proc/{entry.name}/task"))
            except OSError:  # it has just ended
                continue
    return count
