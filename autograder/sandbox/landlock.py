"""Landlock: the kernel refuses every file, TCP port and signal target that is not allowed. Works inside ordinary pods.

Refuses nothing else: UDP and Unix sockets are `seccomp`'s to refuse, memory and processes are for limits.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass

from autograder.sandbox.syscalls import no_new_privileges, syscall

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_QUERY, PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << i for i in range(6))
MAKE_DIR, MAKE_REG, MAKE_FIFO, MAKE_SYM = 1 << 7, 1 << 8, 1 << 10, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

HANDLED_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
RESOLVE_UNIX_ABI, RESOLVE_UNIX = 9, 1 << 16
TCP = 3  # bind and connect
SCOPED = 3  # abstract Unix sockets, signals

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV
FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV


@dataclass(frozen=True)
class Allowed:
    """Paths that stay open, with everything beneath them. Those that cannot be reached anyway are skipped."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


def abi() -> int:
    """The version of Landlock that this kernel speaks; 0 if it is missing or switched off."""
    try:
        return syscall(CREATE_RULESET, 0, 0, VERSION_QUERY)
    except OSError:
        return 0


def restrict(allowed: Allowed) -> None:
    """From here on, this process and its children reach only what is allowed. There is no way back."""
    version = abi()
    if not version:
        raise OSError("this kernel has no Landlock")
    handled = HANDLED_BY_ABI[min(version, 5)] | (RESOLVE_UNIX if version >= RESOLVE_UNIX_ABI else 0)
    # The attribute grew with the versions; an older kernel refuses a longer one.
    attribute = struct.pack("QQQ", handled, TCP, SCOPED)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = syscall(CREATE_RULESET, ctypes.create_string_buffer(attribute, len(attribute)), len(attribute), 0)
    for paths, access in ((allowed.read, READ), (allowed.write, WRITE), (allowed.devices, DEVICE)):
        for path in paths:
            _allow(ruleset, path, access & handled)
    no_new_privileges()
    syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    if not os.path.isdir(path):
        access &= FOR_FILES
    rule = struct.pack("=Qi", access, target)
    syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.create_string_buffer(rule, len(rule)), 0)
    os.close(target)
