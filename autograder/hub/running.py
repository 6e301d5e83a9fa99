"""Starts a hub, waits until it answers, and stops it with everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from autograder.errors import OurError
from autograder.hub.plan import Plan
from autograder.sandbox.syscalls import PR_SET_PDEATHSIG, prctl

PR_SET_CHILD_SUBREAPER = 36
START_SECONDS, STOP_SECONDS, KILL_SECONDS = 180, 60, 10
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stay(HTTPRedirectHandler):
    """A redirect is an answer: whoever sends it is up."""

    def redirect_request(self, *_: object) -> None:
        return None


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and the signals that end programs set, instead of what they do otherwise."""
    event = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        event.set()

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def running(plan: Plan, config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The hub's process. However this ends, no process that it started is left, nor one of those."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # what outlives its parent becomes ours, so that we can end it
    with (plan.private / "hub.log").open("wb") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "autograder.hub.app", "--config", str(config)],
            cwd=plan.private,
            env=_environment(plan),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us, and we tell the hub
            preexec_fn=_end_with_us,  # noqa: PLW1509, there is no second thread yet
        )
        try:
            yield hub
        finally:
            stop(hub)


def wait_until_up(hub: subprocess.Popen[bytes], plan: Plan, addresses: list[str], stopped: Callable[[], bool]) -> bool:
    """Waits until every address answers; False if asked to stop before. Raises OurError with the log's end."""
    deadline = time.monotonic() + START_SECONDS
    left = list(addresses)
    while left and not stopped():
        if hub.poll() is not None:
            raise OurError(f"The hub ended while it started. The end of its log:\n{_log(plan)}")
        if time.monotonic() > deadline:
            raise OurError(f"{left[0]} did not answer in {START_SECONDS} s. The end of the hub's log:\n{_log(plan)}")
        if _answers(left[0]):
            left.pop(0)
        else:
            time.sleep(0.5)
    return not left


def wait_until_over(hub: subprocess.Popen[bytes], plan: Plan, stopped: threading.Event) -> None:
    """Returns when asked to stop. Raises OurError if the hub ends by itself."""
    while not stopped.wait(0.5):
        if hub.poll() is not None:
            raise OurError(f"The hub has ended by itself. The end of its log:\n{_log(plan)}")


def stop(hub: subprocess.Popen[bytes]) -> None:
    """Asks the hub to end, which ends its services, servers and proxy; then ends what is left."""
    import psutil

    if hub.poll() is None:
        hub.terminate()
        try:
            hub.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            hub.kill()
            hub.wait()
    for end in (psutil.Process.terminate, psutil.Process.kill):
        left = psutil.Process().children(recursive=True)
        for process in left:
            try:
                end(process)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=KILL_SECONDS)


def _end_with_us() -> None:
    """The hub hears of it where we are killed, too."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _answers(address: str) -> bool:
    try:
        with build_opener(_Stay).open(Request(address), timeout=5) as answer:
            return bool(answer.status < 500)
    except HTTPError as error:
        error.close()
        return error.code < 500 and error.code != 404
    except (URLError, OSError):
        return False


def _environment(plan: Plan) -> dict[str, str]:
    """What the hub needs of ours, and nothing else: what it has, a mistake could hand on."""
    kept = {name: os.environ[name] for name in ("LANG", "TZ", "USER") if name in os.environ}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return kept | {"PATH": path, "HOME": str(plan.private)}


def _log(plan: Plan) -> str:
    text = (plan.private / "hub.log").read_text("utf-8", "replace")
    return "\n".join(text.splitlines()[-20:])
