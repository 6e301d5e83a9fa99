"""Tries protections in a throw-away process and prints, as JSON, which of them held. Standard library only."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable

from autograder.sandbox import confinement, landlock, seccomp, syscalls


def main() -> None:
    """`outside [uid]` tries Landlock and seccomp; `inside uid|- scratch` tries what a worker does within bubblewrap."""
    kind, user, *rest = sys.argv[1:]
    report: dict[str, object] = {"landlock": landlock.abi()}
    if user != "-":
        syscalls.switch_user(int(user))
    if kind == "inside":
        report["divided"] = held(lambda: divided(rest[0]))
    else:
        report["landlock_held"] = held(landlock_holds)
        report["seccomp_held"] = held(seccomp_holds)
    print(json.dumps(report))


def held(trial: Callable[[], None]) -> str:
    """The empty string if `trial` went well, in a child of its own; otherwise the reason."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            trial()
            os._exit(0)
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}"[:1000].encode())
            os._exit(1)
    os.close(write)
    _, status = os.waitpid(child, 0)
    reason = os.read(read, 1000).decode()
    os.close(read)
    return reason or ("" if status == 0 else f"ended with status {status}")


def divided(scratch: str) -> None:
    for library in (os.__file__, __file__):  # after the change of user, which must not make Python unreachable
        open(library, "rb").close()
    own = confinement.begin_apart()
    for _ in range(2):
        child = confinement.fork_apart(own)
        if child == 0:
            confinement.divide(scratch, 1)
            with open(f"{scratch}/file", "x") as file:
                file.write("x")
            os._exit(0 if os.getpid() == 1 else 1)
        if os.waitpid(child, 0)[1]:
            raise OSError("a process in its own namespaces could not write to its scratch folder")


def landlock_holds() -> None:
    landlock.restrict(landlock.Allowed(("/proc",)))
    try:
        os.listdir("/")
    except PermissionError:
        return
    raise OSError("Landlock was switched on, but the root folder can still be listed")


def seccomp_holds() -> None:
    seccomp.restrict()
    try:
        socket.socket()
    except OSError:
        return
    raise OSError("the filter was installed, but a socket can still be made")
