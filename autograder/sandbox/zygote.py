"""The fork server: imports the heavy libraries once, computes nothing, and forks one confined process per submission.

It is started by exec, never forked from the grader, with an empty environment; it has one thread, no XLA client and no
secret. If anything about that is not so, it refuses to serve. Standard input is the control socket to the grader.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import select
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from autograder.sandbox import confinement
from autograder.sandbox.syscalls import die_with_parent, switch_user

Revive = Callable[[], None]

CONTROL_MESSAGE = 1 << 16
CHANNEL_FD = 3
PRELOAD = """
    numpy scipy.linalg jax jax.numpy jax.scipy.linalg jax.scipy.special jax.scipy.stats optax
    matplotlib.pyplot matplotlib_inline.backend_inline
    IPython.core.ultratb stack_data pygments.formatters.terminal256 asyncio
    jaxlib.mlir.dialects.builtin jaxlib.mlir.dialects.mhlo rdkit.Chem rdkit.Chem.Scaffolds.MurckoScaffold
"""
YOUNG = 10_000, 10, 10
"""When Python looks for garbage: JAX makes thousands of objects as it traces, and looking took a twentieth."""
FIRST_CELL = """
1
undefined
"""
"""A result and a traceback: whatever the first of a kind loads and computes, workers inherit."""
FIRST_PICTURE = """
import numpy as _n, matplotlib.pyplot as _p
_f, (_a, _b) = _p.subplots(1, 2)
_a.loglog([0.01, 10.0], [1.0, 500.0], "o--", label="$x^2$")
_a.set(title="t", xlabel="x", ylabel="y")
_a.legend()
_a.text(1, 1, "t", rotation=90)
_f.colorbar(_b.imshow(_n.eye(3)))
_b.bar(["a", "b"], [-1.0, 2.0])
_p.show()
"""
"""The same for pictures, where somebody will look at them."""


def main() -> None:
    """Serve the grader at the other end of standard input until it hangs up."""
    control = socket.socket(fileno=os.dup(0))
    devnull = os.open("/dev/null", os.O_RDWR)
    os.dup2(devnull, 0)
    config = json.loads(control.recv(CONTROL_MESSAGE))
    try:
        shell, revive = prepare(config)
        control.send(json.dumps({"kind": "ready"}).encode())
    except BaseException:
        control.send(json.dumps({"kind": "failed", "message": traceback.format_exc()[-3000:]}).encode())
        os._exit(1)
    for standard in (1, 2):
        os.dup2(devnull, standard)
    serve(control, config, shell, revive)


def prepare(config: Mapping[str, Any]) -> tuple[Any, Revive]:
    """The shell that students' processes inherit, once everything is imported and known to be safe to fork, and what
    each of them does first, to use what was made warm."""
    gc.disable()  # looking for garbage would take a sixth of the start, and find what may as well stay
    die_with_parent()
    if config["uid"] is not None and os.getuid() != config["uid"]:
        switch_user(config["uid"])
    os.umask(0o077)
    sys.argv = [""]
    from autograder.sandbox import quiet, shell, worker  # noqa: F401  (late: the user must have changed first)

    quiet.silence_client()

    made = shell.make()  # first, so that plotting finds a notebook to put its figures in
    # What students may import, as far as this machine has it; and what those of this fork server do import.
    load([*PRELOAD.split(), *config["libraries"]])
    for cell in (FIRST_PICTURE, FIRST_CELL) if config["draws"] else (FIRST_CELL,):
        made.run(cell, output_kb=64)
    made.reset()  # type: ignore[no-untyped-call]
    revive: Revive = nothing
    if config["warm"]:
        from autograder.sandbox import warm

        refuse_unsafe_forks()
        revive = warm.prepare(config["warm"])
        refuse_unsafe_forks(warm.THREADS)
    else:
        refuse_unsafe_forks()
        if config["gpu"]:
            revive = partial(open_context, config["platform"])
    if not config["gpu"]:
        from autograder.eager import first_calls

        compile_as_of_old()
        first_calls.install()
    gc.freeze()
    return made, revive


def load(names: Sequence[str]) -> None:
    """Import these modules, as far as this machine has them, and what is put off of those that are named."""
    from autograder.lean import PUT_OFF, lean

    for name in names:
        with contextlib.suppress(ImportError), lean("sklearn", *PUT_OFF):
            getattr(importlib.import_module(name), "__all__", None)
    gc.freeze()  # it stays: nobody need look through it for garbage


def compile_as_of_old() -> None:
    """Workers compile element-wise code as XLA once did, in half of the time. What is in the folder stays as it is:
    programs in one piece, which the fork server can run without the threads that it puts off."""
    from jax._src import compiler

    compiled: Any = getattr(compiler, "backend_compile_and_load", None)
    if compiled is None:
        return  # another version of JAX, which compiles as it likes

    def compile(backend: Any, module: Any, devices: Any, options: Any, *rest: Any, **named: Any) -> Any:
        options.env_option_overrides = [*options.env_option_overrides, ("xla_cpu_use_fusion_emitters", False)]
        return compiled(backend, module, devices, options, *rest, **named)

    compiler.backend_compile_and_load = compile


def nothing() -> None:
    """What a worker of a cold fork server has to revive."""


def open_context(platform: str) -> None:
    """Opens a card, before the student's code runs: what fails here is our failure. None is open in the fork server.

    No program is compiled, because it would name this file to the student's code.
    """
    import jax
    import numpy as np

    jax.device_put(np.zeros(1)).block_until_ready()
    found = jax.devices()[0].platform
    if found != platform:
        raise RuntimeError(f"JAX computes on the platform {found}, but should on {platform}")


def refuse_unsafe_forks(expected: int = 1) -> None:
    """Raise unless this process can be forked safely and holds nothing a student may not see. More threads than one are
    those of `warm`, which sleep."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != expected:
        raise RuntimeError(f"the fork server has {threads} threads, but should have {expected}")
    bridge = sys.modules.get("jax._src.xla_bridge")
    if expected == 1 and bridge is not None and bridge.backends_are_initialized():
        raise RuntimeError("a library has started XLA in the fork server")
    held = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    if any(path.startswith("/dev/nvidia") for path in held):
        raise RuntimeError("a library has opened a GPU in the fork server")
    for name in ("autograder.author", "autograder.sheet", "solutions"):
        if name in sys.modules:
            raise RuntimeError(f"the fork server has loaded {name}")


def serve(control: socket.socket, config: Mapping[str, Any], shell: Any, revive: Revive) -> None:
    """Fork on request, and report each end, until the grader hangs up."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    loaded, threads = set(config["libraries"]), len(os.listdir("/proc/self/task"))
    children: dict[int, tuple[int, int]] = {}  # pidfd -> (pid, the grader's number for it)
    while True:
        for fd, _ in poll.poll():
            if fd != control.fileno():
                poll.unregister(fd)
                report_end(control, *children.pop(fd))
                os.close(fd)
                continue
            message, fds, _, _ = socket.recv_fds(control, CONTROL_MESSAGE, 1)
            if not message:
                os._exit(0)
            request = json.loads(message)
            if missing := [name for name in request["also"] if name not in loaded]:
                load(missing)
                loaded.update(missing)
                refuse_unsafe_forks(threads)
            pid = fork_student(control, config, request, fds[0], shell, revive)
            pidfd = os.pidfd_open(pid)
            children[pidfd] = (pid, request["number"])
            poll.register(pidfd, select.POLLIN)
            reply = json.dumps({"kind": "opened", "number": request["number"]}).encode()
            socket.send_fds(control, [reply], [pidfd])
            os.close(fds[0])


def report_end(control: socket.socket, pid: int, number: int) -> None:
    """Tell the grader how a child ended, and how much memory it had at most."""
    _, status, usage = os.wait4(pid, 0)
    report = {"kind": "ended", "number": number, "status": status, "peak_mb": usage.ru_maxrss >> 10}
    control.send(json.dumps({**report, "cpu": usage.ru_utime + usage.ru_stime}).encode())


def fork_student(
    control: socket.socket,
    config: Mapping[str, Any],
    request: Mapping[str, Any],
    channel_fd: int,
    shell: Any,
    revive: Revive,
) -> int:
    """The pid of a new child, in which a confined worker talks through `channel_fd`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of forks in general; this one has been checked
        pid = os.fork()
    if pid:
        return pid
    try:
        control.detach()
        os.dup2(channel_fd, CHANNEL_FD)
        os.closerange(CHANNEL_FD + 1, 1 << 16)
        become_student(socket.socket(fileno=CHANNEL_FD), confined(config, request), shell, revive)
    finally:  # whatever happened, the child must not go on as a second fork server
        os._exit(1)


def become_student(peer: socket.socket, wanted: confinement.Confinement, shell: Any, revive: Revive) -> None:
    """Confine this process and serve the grader; if it cannot be confined, say so before anyone's code runs."""
    from autograder.sandbox import channel, worker
    from autograder.wire import encode

    try:
        confinement.enter(wanted)
        settle(wanted.scratch)
        revive()  # after all layers, because a thread is confined like the one that starts it
    except BaseException:
        message = f"the student's process could not be confined: {traceback.format_exc()[-2000:]}"
        channel.send(peer, *encode({"kind": "failed", "message": message}))
        return
    worker.main(peer, shell)


def confined(config: Mapping[str, Any], request: Mapping[str, Any]) -> confinement.Confinement:
    readable: Sequence[str] = config["readable"]
    return confinement.Confinement(
        scratch=request["scratch"],
        namespaces=config["namespaces"],
        landlock=config["landlock"],
        seccomp=config["seccomp"],
        readable=tuple(readable),
        memory_mb=request["memory_mb"],
        processes=request["processes"],
        disk_mb=request["disk_mb"],
        seconds=request["seconds"],
        gpu=config["gpu"],
        nodes=tuple(config["nodes"]),
    )


def settle(scratch: str) -> None:
    """Make the scratch folder this process's home, and its random numbers its own but the same each time."""
    import tempfile

    import numpy as np

    os.environ.update(HOME=scratch, TMPDIR=scratch, IPYTHONDIR=f"{scratch}/.ipython")
    tempfile.tempdir = None
    random.seed(0)
    np.random.seed(0)  # the global generator is what students use
    gc.enable()
    gc.set_threshold(*YOUNG)
