"""Threads of XLA that wait for the fork: asked for in the fork server, started in the worker.

A fork copies one thread and no other, so an XLA client made before it would lack its thread pools after it, and wait
for them for ever. Here the library's calls of `pthread_create` are put off while the fork server runs: their pools
have not begun anything, wait for nothing, and begin as if new once the worker starts them. Only the library's own
table of addresses is altered, and put right again before any student's code runs.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from dataclasses import dataclass, field
from typing import Any

LIBRARY = "libjax_common.so"
SYMBOL = b"pthread_create"
GLOB_DAT, JUMP_SLOT = 6, 7  # kinds of relocations on x86-64
DYNAMIC, LOAD = 2, 1
STRTAB, SYMTAB, RELA, RELASZ, JMPREL, PLTRELSZ = 5, 6, 7, 8, 23, 2
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE
HANDLE_BYTES = 4096  # more than glibc's own record of a thread

_C = ctypes.CDLL(None, use_errno=True)
_CREATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


class Impossible(Exception):
    """This build of JAX cannot be treated so; the fork server then does without."""


@dataclass
class Deferred:
    """The threads put off so far: (start routine, its argument)."""

    slots: tuple[int, ...]
    real: int
    waiting: list[tuple[int, int]] = field(default_factory=list)
    handles: list[Any] = field(default_factory=list)
    hook: Any = None

    def names(self) -> list[str]:
        return [_name(argument) for _, argument in self.waiting]

    def start(self, name: str) -> None:
        """Starts one thread of that name now, in this process. Its pool has others of the kind."""
        index = self.names().index(name)
        self._begin(*self.waiting[index])

    def start_all(self) -> None:
        """Starts them all, and lets the library make threads as ever from now on."""
        for slot in self.slots:
            _write(slot, self.real)
        for routine, argument in self.waiting:
            self._begin(routine, argument)
        self.waiting.clear()

    def _begin(self, routine: int, argument: int) -> None:
        handle = ctypes.c_void_p()
        code = _CREATE(self.real)(ctypes.addressof(handle), None, routine, argument)
        if code:
            raise OSError(code, "a thread could not be started")


def defer() -> Deferred:
    """From now on the threads of XLA wait. `Impossible` where the library is not as expected."""
    base, path = _loaded()
    slots = tuple(base + offset for offset in _slots(path))
    if not slots:
        raise Impossible(f"{LIBRARY} does not call {SYMBOL.decode()}")
    real = ctypes.cast(_C.pthread_create, ctypes.c_void_p).value
    assert real is not None
    deferred = Deferred(slots, real)

    def create(out: int, attributes: int, routine: int, argument: int) -> int:
        handle = ctypes.create_string_buffer(HANDLE_BYTES)  # the library keeps its address, and never looks inside
        deferred.handles.append(handle)
        ctypes.c_void_p.from_address(out).value = ctypes.addressof(handle)
        deferred.waiting.append((routine, argument))
        return 0

    deferred.hook = _CREATE(create)
    address = ctypes.cast(deferred.hook, ctypes.c_void_p).value
    assert address is not None
    for slot in slots:
        _write(slot, address)
    return deferred


def _loaded() -> tuple[int, str]:
    """Where the library begins in memory, and its file."""
    if os.uname().machine != "x86_64":
        raise Impossible(f"{os.uname().machine} is not x86_64")
    with open("/proc/self/maps") as maps:
        for line in maps:
            parts = line.split()
            if parts[-1].endswith(LIBRARY) and int(parts[2], 16) == 0:
                return int(parts[0].partition("-")[0], 16), parts[-1]
    raise Impossible(f"{LIBRARY} is not loaded")


def _slots(path: str) -> list[int]:
    """The offsets of the library's addresses of `pthread_create`, read off its ELF relocations."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as m:
        start, size, count = struct.unpack_from("<Q14xHH", m, 32)
        headers = [struct.unpack_from("<IIQQQQ", m, start + i * size) for i in range(count)]
        loads = [(va, offset, length) for kind, _, offset, va, _, length in headers if kind == LOAD]
        offset, length = next((h[2], h[5]) for h in headers if h[0] == DYNAMIC)
        tags = dict(reversed([struct.unpack_from("<qQ", m, offset + 16 * i) for i in range(length // 16)]))

        def at(address: int) -> int:
            return int(next(o + address - va for va, o, n in loads if va <= address < va + n))

        names, symbols, found = at(tags[STRTAB]), at(tags[SYMTAB]), []
        for table, table_size in ((RELA, RELASZ), (JMPREL, PLTRELSZ)):
            for i in range(tags.get(table_size, 0) // 24):
                place, info = struct.unpack_from("<QQ", m, at(tags[table]) + 24 * i)
                if info & 0xFFFFFFFF in (GLOB_DAT, JUMP_SLOT):
                    name = names + struct.unpack_from("<I", m, symbols + 24 * (info >> 32))[0]
                    if m[name : name + len(SYMBOL) + 1] == SYMBOL + b"\0":
                        found.append(place)
        return found


def _write(address: int, value: int) -> None:
    page = address & -mmap.PAGESIZE
    if _C.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(2 * mmap.PAGESIZE), WRITABLE):
        raise Impossible(f"memory cannot be made writable: {os.strerror(ctypes.get_errno())}")
    ctypes.c_void_p.from_address(address).value = value


def _name(argument: int) -> str:
    """The name of a thread's pool, with which the record that a thread is given begins: a pointer and a length."""
    text, length = ctypes.cast(argument, ctypes.POINTER(ctypes.c_size_t))[0:2]
    return ctypes.string_at(text, length).decode(errors="replace") if length < 64 else ""
