"""The system calls that a student's process may not make, as a kernel filter. Fails closed on unknown machines.

What it refuses: new processes and programs, sockets, other processes, namespaces and mounts, kernel surfaces that no
notebook needs, memory that no limit counts, and what Landlock leaves open: modes, owners and times of files, watching
folders, signals that a descriptor sends. A system call newer than the table does not exist.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.sandbox.syscalls import LIBC, checked, no_new_privileges

PR_SET_SECCOMP, MODE_FILTER = 22, 2
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in the kernel's `seccomp_data`
X32 = 0x40000000
FIRST_UNKNOWN = 450  # from here on numbers are the same everywhere, and younger than this table

NEW_NAMESPACES, CLONE_THREAD = 0x7E020000, 0x10000
MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20
PR_SET_PDEATHSIG, TIOCSTI, TIOCLINUX, SIGKILL = 1, 0x5412, 0x541C, 9
F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP = 8, 10, 15, 0x8901, 0x8902
MFD_NOEXEC_SEAL = 8
AF_UNIX, SOCK_STREAM, SOCKET_TYPE = 1, 1, 0xF

# name, number on x86-64, number on aarch64 (- where the machine has no such call)
TABLE = """
    acct 163 89  add_key 248 217  adjtimex 159 171  bpf 321 280  chmod 90 -  chown 92 -  chroot 161 51
    clock_adjtime 305 266  clock_settime 227 112  clone 56 220  clone3 435 435  delete_module 176 106  execve 59 221
    execveat 322 281  fanotify_init 300 262  fchmod 91 52  fchmodat 268 53  fchown 93 55  fchownat 260 54  fcntl 72 25
    finit_module 313 273  fork 57 -  fremovexattr 199 16  fsconfig 431 431  fsetxattr 190 7  fsmount 432 432
    fsopen 430 430  fspick 433 433  futimesat 261 -  init_module 175 105  inotify_add_watch 254 27
    io_uring_enter 426 426  io_uring_register 427 427  io_uring_setup 425 425  ioctl 16 29  ioperm 173 -  iopl 172 -
    ioprio_set 251 30  kcmp 312 272  kexec_file_load 320 294  kexec_load 246 104  keyctl 250 219  kill 62 129
    lchown 94 -  lookup_dcookie 212 18  lremovexattr 198 15  lsetxattr 189 6  memfd_create 319 279
    memfd_secret 447 447  migrate_pages 256 238  mmap 9 222  modify_ldt 154 -  mount 165 40  mount_setattr 442 442
    move_mount 429 429  move_pages 279 239  mq_open 240 180  msgget 68 186  name_to_handle_at 303 264
    open_by_handle_at 304 265  open_tree 428 428  perf_event_open 298 241  personality 135 92  pidfd_getfd 438 438
    pidfd_open 434 434  pidfd_send_signal 424 424  pivot_root 155 41  prctl 157 167  prlimit64 302 261
    process_madvise 440 440  process_mrelease 448 448  process_vm_readv 310 270  process_vm_writev 311 271
    ptrace 101 117  quotactl 179 60  quotactl_fd 443 443  reboot 169 142  removexattr 197 14  request_key 249 218
    rt_sigqueueinfo 129 138  rt_tgsigqueueinfo 297 240  sched_setaffinity 203 122  sched_setattr 314 274
    sched_setparam 142 118  sched_setscheduler 144 119  semget 64 190  setns 308 268  setpriority 141 140
    settimeofday 164 170  setxattr 188 5  shmget 29 194  socket 41 198  socketpair 53 199  swapoff 168 225
    swapon 167 224  sysfs 139 -  syslog 103 116  tgkill 234 131  tkill 200 130  umount2 166 39  unshare 272 97
    uselib 134 -  userfaultfd 323 282  ustat 136 -  utime 132 -  utimensat 280 88  utimes 235 -  vfork 58 -
    vhangup 153 58
"""

REFUSED = """
    acct add_key adjtimex bpf chown chroot clock_adjtime clock_settime delete_module execve execveat fanotify_init
    fchown fchownat finit_module fremovexattr fsconfig fsetxattr fsmount fsopen fspick init_module inotify_add_watch
    io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lchown
    lookup_dcookie lremovexattr lsetxattr memfd_create memfd_secret migrate_pages modify_ldt mount mount_setattr
    move_mount move_pages mq_open msgget name_to_handle_at open_by_handle_at open_tree perf_event_open personality
    pidfd_getfd pidfd_open pidfd_send_signal pivot_root process_madvise process_mrelease process_vm_readv
    process_vm_writev ptrace quotactl quotactl_fd reboot removexattr request_key semget setns settimeofday setxattr
    shmget swapoff swapon sysfs syslog tkill umount2 unshare uselib userfaultfd ustat vhangup
"""

SILENT = "chmod fchmod fchmodat futimesat utime utimensat utimes"
"""Calls that do nothing and say that all went well."""


@dataclass(frozen=True)
class Machine:
    """One processor family: its audit number, and which column of `NUMBERS` is its own."""

    audit: int
    column: int


MACHINES: Mapping[str, Machine] = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}


def machine() -> Machine | None:
    """This machine, if the table of system calls knows it."""
    return MACHINES.get(platform.machine())


def restrict(*, gpu: bool = False) -> None:
    """From here on, this process and its threads make only allowed system calls. There is no way back."""
    found = machine()
    if found is None:
        raise OSError(f"no table of system calls for {platform.machine()}")
    program = compiled(found, os.getpid(), gpu=gpu)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    buffer = ctypes.create_string_buffer(program, len(program))
    pointer = Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p).value)
    no_new_privileges()
    zero = ctypes.c_ulong(0)
    checked(LIBC.prctl(PR_SET_SECCOMP, ctypes.c_ulong(MODE_FILTER), ctypes.byref(pointer), zero, zero), "seccomp")


def numbers(found: Machine) -> dict[str, int]:
    """The numbers of this machine's system calls, by name."""
    words = TABLE.split()
    columns = (words[1::3], words[2::3])
    return {name: int(n) for name, n in zip(words[::3], columns[found.column], strict=True) if n != "-"}


def compiled(found: Machine, pid: int, *, gpu: bool = False) -> bytes:
    """The filter for `found`, as instructions of the kernel's packet filter; `pid` is whom signals may reach.

    For a `gpu`, NVIDIA's driver needs two calls that make memory which no limit counts; nothing else is opened to it.
    """
    number = numbers(found)
    program = [_load(ARCHITECTURE), _step(EQUAL, found.audit, 1, 0), _end(KILL), _load(NUMBER)]
    if found.column == 0:  # the x32 calls of x86-64 have numbers of their own
        program += [_step(AT_LEAST, X32, 0, 1), _end(KILL)]
    program += [_step(AT_LEAST, FIRST_UNKNOWN, 0, 1), _end(FAIL | errno.ENOSYS)]
    blocks = {name: [_refuse(errno.EPERM)] for name in REFUSED.split()} | dict(_particular(pid))
    if gpu:
        del blocks["mmap"]
        blocks["memfd_create"] = [*_unless(1, MFD_NOEXEC_SEAL, mask=MFD_NOEXEC_SEAL), _end(ALLOW)]
    for name, block in blocks.items():
        if name in number:
            program += [_step(EQUAL, number[name], 0, len(block)), *block]
    return b"".join([*program, _end(ALLOW)])


def _particular(pid: int) -> list[tuple[str, list[bytes]]]:
    """Calls refused for some arguments only, or with an answer that the C library knows how to live with."""
    to_itself = _unless(0, pid)
    killing = _if(1, SIGKILL)
    fork = [_argument(0), _step(ANY_BIT, NEW_NAMESPACES, 1, 0), _step(ANY_BIT, CLONE_THREAD, 1, 0)]
    shared = [_argument(3), _step(ANY_BIT, MAP_ANONYMOUS, 0, 2), _step(ANY_BIT, MAP_SHARED, 0, 1)]
    return [
        ("clone3", [_refuse(errno.ENOSYS)]),  # its flags are out of the filter's sight; `clone` is tried next
        ("fork", [_refuse(errno.EAGAIN)]),
        ("vfork", [_refuse(errno.EAGAIN)]),
        ("clone", [*fork, _refuse(errno.EAGAIN), _end(ALLOW)]),
        ("socket", [_refuse(errno.EAFNOSUPPORT)]),
        # Memory that is shared but belongs to no file escapes RLIMIT_DATA.
        ("mmap", [*shared, _refuse(errno.ENOMEM), _end(ALLOW)]),
        ("ioctl", [*(w for number in (TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP) for w in _if(1, number)), _end(ALLOW)]),
        # The kernel would send the signal in this process's name, past every filter of `kill`.
        ("fcntl", [*(w for number in (F_SETOWN, F_SETSIG, F_SETOWN_EX) for w in _if(1, number)), _end(ALLOW)]),
        # Of other kinds, either end could send to any address. `asyncio` needs this one.
        ("socketpair", [*_unless(0, AF_UNIX), *_unless(1, SOCK_STREAM, mask=SOCKET_TYPE), _end(ALLOW)]),
        # A process that outlives the fork server would outlive its deadline.
        ("prctl", [*_if(0, PR_SET_PDEATHSIG), _end(ALLOW)]),
        # SIGKILL always comes from outside, so that it can be told from the student's own doing.
        ("kill", [*to_itself, *killing, _end(ALLOW)]),
        ("tgkill", [*to_itself, *_if(2, SIGKILL), _end(ALLOW)]),
        ("rt_sigqueueinfo", [*to_itself, *killing, _end(ALLOW)]),
        ("rt_tgsigqueueinfo", [*to_itself, *_if(2, SIGKILL), _end(ALLOW)]),
        ("prlimit64", [*_unless(0, 0, pid), _end(ALLOW)]),
        *((name, [*_unless(0, 0), _end(ALLOW)]) for name in ("sched_setparam", "sched_setscheduler", "sched_setattr")),
        *((name, [*_unless(1, 0), _end(ALLOW)]) for name in ("setpriority", "ioprio_set")),
        # Landlock guards what is in files, but not these. Copying a file sets them, so a refusal would be heard of.
        *(
            (name, [_refuse(0)])
            for name in ["chmod", "fchmod", "fchmodat", "utime", "utimes", "futimesat", "utimensat"]
        ),
        # Thread pools pin their threads; nothing depends on it, and a refusal would be printed.
        ("sched_setaffinity", [*_unless(0, 0, answer=0), _end(ALLOW)]),
    ]


def _if(argument: int, value: int) -> list[bytes]:
    """Refuse the call if an argument is `value`."""
    return [_argument(argument), _step(EQUAL, value, 0, 1), _refuse(errno.EPERM)]


def _unless(argument: int, *values: int, answer: int = errno.EPERM, mask: int = 0xFFFFFFFF) -> list[bytes]:
    """Refuse the call unless an argument, or its bits in `mask`, are among `values`."""
    tests = [_step(EQUAL, value, len(values) - i, 0) for i, value in enumerate(values)]
    return [_argument(argument), _step(AND, mask, 0, 0), *tests, _refuse(answer)]


def _step(code: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _step(LOAD, offset, 0, 0)


def _argument(index: int) -> bytes:
    """The low half of an argument; both machines are little-endian."""
    return _load(FIRST_ARGUMENT + 8 * index)


def _end(answer: int) -> bytes:
    return _step(RETURN, answer, 0, 0)


def _refuse(number: int) -> bytes:
    return _end(FAIL | number)
