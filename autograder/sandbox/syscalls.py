"""Linux system calls that Python's standard library lacks, as functions that raise `OSError`.

Standard library only: this runs before anything else is imported, and between a fork and the student's first line.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 4, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SIGKILL = 9

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000

CAPABILITIES_V3 = 0x20080522


def checked(result: int, what: str = "") -> int:
    """The result of a C function, unless it is negative: then `OSError` with the reason."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what or None)
    return result


def syscall(number: int, *args: object) -> int:
    """What the system call answers; integers are passed as C longs."""
    return checked(LIBC.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in args)))


def prctl(option: int, *args: int) -> None:
    padded = (*args, 0, 0, 0, 0)[:4]
    checked(LIBC.prctl(option, *(ctypes.c_ulong(a) for a in padded)), f"prctl {option}")


def unshare(flags: int) -> None:
    checked(LIBC.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    checked(LIBC.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    text = [x.encode() if x is not None else None for x in (source, target, kind, options)]
    checked(LIBC.mount(text[0], text[1], text[2], ctypes.c_ulong(flags), text[3]), f"mount {target}")


def no_new_privileges() -> None:
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent() -> None:
    prctl(PR_SET_PDEATHSIG, SIGKILL)


def switch_user(uid: int) -> None:
    """Become `uid` for good; raises `OSError` if the way back is open."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    with contextlib.suppress(PermissionError):
        os.setresuid(0, 0, 0)
        raise OSError("the change of user can be undone")
    # After a change of user, the process's own files in /proc belong to root, and it could not fill in its id maps.
    prctl(PR_SET_DUMPABLE, 1)


def drop_capabilities() -> None:
    """Give up every capability, those that a program started later could gain included."""
    with contextlib.suppress(OSError):  # refused without CAP_SETPCAP: then no_new_privileges must do
        for capability in range(64):
            prctl(PR_CAPBSET_DROP, capability)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    checked(LIBC.capset(header, nothing), "capset")
