"""The fork server: imports the heavy libraries once, computes nothing, and forks one confined process per submission.

It is started by exec, never forked from the grader, with an empty environment; it has one thread, no XLA client and no
secret. If anything about that is not so, it refuses to serve. Standard input is the control socket to the grader.
"""

from __future__ import annotations

import gc
import json
import os
import random
import select
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from autograder.sandbox import beforehand, confinement
from autograder.sandbox.syscalls import die_with_parent, switch_user

Revive = Callable[[], None]

CONTROL_MESSAGE = 1 << 16
CHANNEL_FD = 3
OVER = object()
YOUNG = 10_000, 10, 10
"""When Python looks for garbage: JAX makes thousands of objects as it traces, and looking took a twentieth."""


def main() -> None:
    """Serve the grader at the other end of standard input until it hangs up."""
    control = socket.socket(fileno=os.dup(0))
    devnull = os.open("/dev/null", os.O_RDWR)
    os.dup2(devnull, 0)
    message, fds, _, _ = socket.recv_fds(control, CONTROL_MESSAGE, 1)
    config = json.loads(message)
    try:
        # First, while there is little to fork.
        apart = begin(config)
        shell, revive, plots = prepare(config)
        spare = chain(beforehand.foreseen(fds, computing=not config["gpu"]), plots)
        control.send(json.dumps({"kind": "ready"}).encode())
    except BaseException:
        control.send(json.dumps({"kind": "failed", "message": traceback.format_exc()[-3000:]}).encode())
        os._exit(1)
    for standard in (1, 2):
        os.dup2(devnull, standard)
    serve(control, config, apart, shell, revive, spare)


def begin(config: Mapping[str, Any]) -> int | None:
    """Become who the workers will be, and what can fork them apart, if it is to: what to give to `fork_apart`."""
    if config["uid"] is not None and os.getuid() != config["uid"]:
        switch_user(config["uid"])
    die_with_parent()  # a change of user takes that back
    os.umask(0o077)
    return confinement.begin_apart() if config["namespaces"] and not config["gpu"] else None


def prepare(config: Mapping[str, Any]) -> tuple[Any, Revive, Iterator[None]]:
    """The shell that students' processes inherit, once everything is imported and known to be safe to fork; what each
    of them does first; and what may be left until nobody asks."""
    gc.disable()  # looking for garbage would take a sixth of the start, and find what may as well stay
    sys.argv = [""]
    from autograder.sandbox import quiet, shell, worker  # noqa: F401  (late: the user must have changed first)

    quiet.silence_client()
    made = shell.make()  # first, so that plotting finds a notebook to put its figures in
    beforehand.load([*beforehand.PRELOAD.split(), *config["libraries"]])
    plots = beforehand.plots(drawn=config["draws"])
    beforehand.run_first_cells(made, drawn=config["draws"])
    if not config["gpu"]:
        beforehand.compute_on_the_processor()
    refuse_unsafe_forks()
    gc.freeze()
    return made, partial(open_context, config["platform"]) if config["gpu"] else nothing, plots


def nothing() -> None:
    """What a worker that computes on the CPU does first."""


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


def refuse_unsafe_forks() -> None:
    """Raise unless this process can be forked safely and holds nothing a student may not see."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"the fork server has {threads} threads, but should have 1")
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is not None and bridge.backends_are_initialized():
        raise RuntimeError("a library has started XLA in the fork server")
    held = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    if any(path.startswith("/dev/nvidia") for path in held):
        raise RuntimeError("a library has opened a GPU in the fork server")
    for name in ("autograder.author", "autograder.sheet", "solutions"):
        if name in sys.modules:
            raise RuntimeError(f"the fork server has loaded {name}")


def serve(
    control: socket.socket,
    config: Mapping[str, Any],
    apart: int | None,
    shell: Any,
    revive: Revive,
    spare: Iterator[None],
) -> None:
    """Fork on request, and report each end, until the grader hangs up. What is left to do beforehand is done while
    nobody asks."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    loaded, idle, changed = set(config["libraries"]), True, True
    children: dict[int, tuple[int, int]] = {}  # pidfd -> (pid, the grader's number for it)
    while True:
        asked = poll.poll(0 if idle else None)
        if not asked:
            idle = next(spare, OVER) is not OVER
            changed = True
        for fd, _ in asked:
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
                beforehand.load(missing)
                loaded.update(missing)
                changed = True
            if changed:
                refuse_unsafe_forks()
                gc.freeze()
                changed = False
            pid = fork_student(control, config, request, fds[0], apart, shell, revive)
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
    apart: int | None,
    shell: Any,
    revive: Revive,
) -> int:
    """The pid of a new child, in which a confined worker talks through `channel_fd`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of forks in general; this one has been checked
        pid = confinement.fork_apart(apart)
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
        channel.send(peer, channel.framed(*encode({"kind": "failed", "message": message})))
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
