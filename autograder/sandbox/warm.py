"""An XLA client that workers inherit, with the small programs that everybody needs already in it.

`fill` compiles them, on the trusted side, into a folder that the fork server may only read. The fork server loads them
before it forks (`prepare`), with XLA's threads put off; each worker starts its own threads (`revive`) and finds the
client as it was. All of them are JAX's own functions at certain shapes, and no part of any answer: see `programs`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from autograder import programs
from autograder.sandbox import deferred, parking

PROGRAMS = "programs.json"
COMPILED = "compiled"  # as in `launch`
READY = "ready"
COMPILER = "tf_PjRtCompilerThreadPool"
THREADS = 3
"""Of the fork server, once it is warm: itself, the sleeping compiler's thread, and the one that waits for that."""
MAX_SECONDS = 30.0
"""Processor time that loading may take; what is left then is compiled by those who need it."""
TRIAL_SECONDS = 30
NEVER = 1e9  # seconds


class Miss(Exception):
    """This program is not in the folder."""


def main() -> None:
    """Fills the folder named on the command line. The trusted side runs this in a process of its own."""
    folder = Path(sys.argv[1])
    _use(folder)
    _run_all(_programs(folder), lambda: False)
    park = parking.register(sleeping=False)  # which must live until its program is compiled
    parking.lowered().compile()
    assert park.handler
    (folder / READY).touch()
    os._exit(0)  # XLA may still hold our custom call, which ends with the interpreter


def prepare(folder: str) -> Any:
    """Makes the client and loads the programs. What it returns revives the client in a worker. `Impossible` if it
    cannot."""
    import jax
    from jax._src import compiler

    waiting = deferred.defer()
    _use(Path(folder))
    originals = compiler._compile_and_write_cache, compiler.backend_compile_and_load
    compiler._compile_and_write_cache = compiler.backend_compile_and_load = _refuse  # nothing is compiled here
    # What runs at once, in the thread that asks, needs none of the threads that are put off.
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # type: ignore[no-untyped-call]
    jax.devices()
    if COMPILER not in waiting.names():
        raise deferred.Impossible(f"XLA's threads are called {', '.join(sorted(set(waiting.names())))}")
    waiting.start(COMPILER)
    until = time.process_time() + MAX_SECONDS
    _run_all(_programs(Path(folder)), lambda: time.process_time() > until)
    park = parking.put_to_sleep()
    compiler._compile_and_write_cache, compiler.backend_compile_and_load = originals
    _write_no_more()

    def revive(kept: Any = (waiting, park)) -> None:
        kept[0].start_all()

    _try(revive)
    return revive


def _use(folder: Path) -> None:
    """Programs are kept in `folder`, and lowered in one context of one thread rather than in a new one each."""
    import jax
    from jax._src.interpreters import mlir

    for name, value in {
        "jax_compilation_cache_dir": str(folder / COMPILED),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
        "jax_persistent_cache_enable_xla_caches": "none",  # else the folder's own name is part of every key
        "jax_traceback_in_locations_limit": 0,  # else every program tells a worker in which folders we lie
    }.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
    fresh = mlir.make_ir_context
    shared = fresh()
    shared.enable_multithreading(False)
    import threading

    main_thread = threading.main_thread()
    mlir.make_ir_context = lambda: shared if threading.current_thread() is main_thread else fresh()


def _write_no_more() -> None:
    """Workers look in the folder for what could not be loaded in time; they may only read it, and keep nothing."""
    import jax

    jax.config.update("jax_persistent_cache_min_compile_time_secs", NEVER)  # type: ignore[no-untyped-call]


def _programs(folder: Path) -> list[programs.Program]:
    return json.loads((folder / PROGRAMS).read_text())["programs"]  # type: ignore[no-any-return]


def _run_all(wanted: Iterable[programs.Program], enough: Callable[[], bool]) -> None:
    known = programs.primitives()
    for program in wanted:
        if enough():
            return
        try:
            programs.run(program, known)
        except Exception:  # of another version of JAX, say: then whoever needs it compiles it
            continue


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise Miss


def _try(revive: Callable[[], None]) -> None:
    """A first worker, thrown away: it must be able to compile something new. `Impossible` if it cannot in time."""
    pid = os.fork()
    if not pid:
        signal.alarm(TRIAL_SECONDS)
        try:
            revive()
            import jax.numpy as jnp

            os._exit(0 if float(jnp.sum(jnp.cos(jnp.zeros((3, 1, 2))))) == 6.0 else 1)
        finally:
            os._exit(1)
    pidfd = os.pidfd_open(pid)
    ended = select.select([pidfd], [], [], 2 * TRIAL_SECONDS)[0]
    os.close(pidfd)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    if os.waitpid(pid, 0)[1]:
        raise deferred.Impossible("a worker could not use the client that was made for it")
