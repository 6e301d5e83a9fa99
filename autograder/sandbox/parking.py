"""Keeping one thread of XLA's compiler busy while the fork server forks, so that its pool waits for nothing.

Loading a program takes a thread of that pool. A thread that waits for work when the process forks would be missing from
the worker while its pool still counts on it. So it is given a task that never ends: loading a program whose one custom
call, ours, sleeps. Offsets are those of XLA's stable C interface for custom calls (its `c_api.h`, version 0.x).
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from autograder.sandbox.deferred import Impossible

NAME = "autograder_park"
METADATA, INSTANTIATE = 1, 0
SECONDS = 30.0
STILL = 6
"""How many looks in a row, a twentieth of a second apart, must find the threads asleep."""

_HANDLER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
_WORDS = ctypes.POINTER(ctypes.c_size_t)
_INTS = ctypes.POINTER(ctypes.c_int)


@dataclass(frozen=True)
class Park:
    """What must stay alive for as long as the thread sleeps."""

    asleep: threading.Event
    handler: Any


def register(*, sleeping: bool) -> Park:
    """Makes the custom call known to XLA. With `sleeping=False` its program is compiled for the cache and goes on."""
    import jax

    asleep = threading.Event()
    never, _ = os.pipe()

    def handle(frame: int) -> None:
        extension = ctypes.cast(frame, _WORDS)[1]
        if extension and ctypes.cast(extension + 8, _INTS)[0] == METADATA:
            version = ctypes.cast(ctypes.cast(extension, _WORDS)[3] + 24, _INTS)
            version[0], version[1] = 0, 1  # of the interface that this handler keeps to
        elif sleeping and ctypes.cast(frame + 32, _INTS)[0] == INSTANTIATE:
            asleep.set()
            os.read(never, 1)

    handler = _HANDLER(handle)
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    capsule = new(ctypes.cast(handler, ctypes.c_void_p).value, b"xla._CUSTOM_CALL_TARGET", None)
    jax.ffi.register_ffi_target(NAME, {"instantiate": capsule, "execute": capsule}, platform="cpu")
    return Park(asleep, handler)


def lowered() -> Any:
    """The program that is nothing but the custom call."""
    import jax

    call = jax.ffi.ffi_call(NAME, jax.ShapeDtypeStruct((1,), "float32"), has_side_effect=True)  # type: ignore[no-untyped-call]
    return jax.jit(call).lower()


def put_to_sleep() -> Park:
    """One compiler thread sleeps from now on, and so does the Python thread that asked for the program."""
    park = register(sleeping=True)
    program = lowered()
    threading.Thread(target=program.compile, name="parked", daemon=True).start()
    if not park.asleep.wait(SECONDS):
        raise Impossible("a thread of the compiler did not go to sleep")
    _wait_until_all_sleep()
    return park


def _wait_until_all_sleep() -> None:
    """A fork while one of the two threads still runs would copy whatever lock it holds."""
    until, still, before = time.monotonic() + SECONDS, 0, [""]
    while still < STILL:
        if time.monotonic() > until:
            raise Impossible("the threads that should sleep do not come to rest")
        time.sleep(0.05)
        now = [_state(tid) for tid in sorted(os.listdir("/proc/self/task")) if int(tid) != threading.get_native_id()]
        still = still + 1 if now == before and all(state.startswith("S ") for state in now) else 0
        before = now


def _state(tid: str) -> str:
    """Whether a thread sleeps (S), and how long it has run."""
    with open(f"/proc/self/task/{tid}/stat") as stat, open(f"/proc/self/task/{tid}/schedstat") as ran:
        return f"{stat.read().rpartition(')')[2].split()[0]} {ran.read().split()[0]}"
