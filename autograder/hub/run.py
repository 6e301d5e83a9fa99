"""`autograder hub`: makes what is missing, starts the hub, says where it is and who may log in, and waits."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from autograder.course import load_course
from autograder.errors import UsageError
from autograder.hub import accounts, config, course, enclosure, running
from autograder.hub.kernels import has_card, has_gpu
from autograder.hub.plan import DOOR, Plan, ports, real, sample
from autograder.secret import write_private
from autograder.settings import Settings

PROXY = "configurable-http-proxy"
READY = "ready.json"
"""In the hub's private folder while it runs: its address and logins, for programs."""


def run(
    settings: Settings, console: Console, *, port: int, demo: bool, instructor: str | None, students: Sequence[str]
) -> None:
    """Brings up the course's hub and keeps it until Ctrl-C or SIGTERM; then nothing of it is left running."""
    started = time.monotonic()
    os.umask(0o022)  # what is private lies in private folders; the rest is for everybody's servers
    proxy = _requirements()
    plan = _plan(settings, demo=demo, instructor=instructor, students=students)
    plan.top.mkdir(parents=True, exist_ok=True)
    plan.private.mkdir(mode=0o700, exist_ok=True)
    with _only_one(plan), running.asked_to_stop() as stopped:
        with console.status("Preparing the course") as status:
            _prepare(settings, plan, proxy, status.update)
            free = ports(port)
            titles = {name: chapter.title for name, chapter in load_course(plan.course).chapters.items()}
            written = config.write(plan, free, proxy, titles)
            logins = config.passwords(plan) if plan.made else {}
        address = f"http://127.0.0.1:{free.public}"
        services = [f"{address}/services/{name}/" for name in ([plan.name] + [DOOR] * config.has_door())]
        with running.running(plan, written) as hub:
            with console.status("Starting the hub"):
                up = running.wait_until_up(hub, plan, [f"{address}/hub/health", *services], stopped.is_set)
            if up:
                try:
                    _tell(console, plan, address, logins, time.monotonic() - started)
                    running.wait_until_over(hub, plan, stopped)
                finally:
                    (plan.private / READY).unlink(missing_ok=True)
            with console.status("Stopping the hub, its services and everybody's servers"):
                running.stop(hub)
    console.print("Stopped. Everybody's files are kept.")


def remove(settings: Settings, console: Console) -> None:
    """Removes the demo's accounts and its folder, with all that people did there."""
    plan = sample(load_course(settings.root).name, settings.state, accounts=_is_root())
    if not (plan.private / config.PASSWORDS).exists():  # only a demo has them: a real course's exchange stays
        console.print(f"There is no demo of {plan.name} here.")
        return
    with _only_one(plan):
        if plan.accounts:
            accounts.remove(plan)
        shutil.rmtree(plan.top)
    console.print(f"Removed {plan.top}" + (", and the demo's accounts." if plan.accounts else "."))


def _plan(settings: Settings, *, demo: bool, instructor: str | None, students: Sequence[str]) -> Plan:
    name = load_course(settings.root).name
    if not _is_root() and (instructor or students):
        raise UsageError(
            "--instructor and --student need accounts of their own, and so root; without, there is --demo."
        )
    if demo and (instructor or students):
        raise UsageError("--demo has people of its own: leave out --instructor and --student.")
    if demo or not _is_root():
        return sample(name, settings.state, accounts=_is_root())
    if not instructor or not students:
        raise UsageError(
            "Name people who have accounts on this machine, with --instructor NAME and --student NAME (once for each "
            "student), or make sample accounts with --demo."
        )
    plan = real(name, settings.root, settings.state, settings.root.owner(), instructor, students)
    accounts.check(plan)
    plan = replace(plan, state=accounts.state_of(plan.people.grader))
    enclosure.refuse_readable(plan.course)
    lacking = course.missing_lines(plan.course, plan)
    if lacking:
        raise UsageError(f"{plan.course / course.CONFIG} does not name the hub's exchange. Add to it:\n{lacking}")
    return plan


def _prepare(settings: Settings, plan: Plan, proxy: list[str], tell: Callable[[str], None]) -> None:
    """Accounts, walls and the course's copy, in an order in which nobody sees what is not theirs."""
    packed = course.pack(settings.root, plan) if plan.made else b""
    paths = enclosure.needed(*map(Path, proxy))
    if plan.accounts and plan.made:
        accounts.make(plan)
        try:
            enclosure.enclose(settings.root, paths)
        except OSError:  # not in a container, for instance
            enclosure.refuse_closed(paths)
            enclosure.refuse_readable(settings.root)
    elif plan.accounts:
        enclosure.refuse_closed(paths)
    else:
        for who in (plan.people.grader, *plan.people.users):
            (plan.homes / who).mkdir(parents=True, exist_ok=True)
    if plan.made:
        course.unpack(packed, plan, tell)


def _requirements() -> list[str]:
    """The command of the proxy; UsageError if something is not installed."""
    for module in ("jupyterhub", "jupyterlab", "nbgrader", "psutil"):
        if importlib.util.find_spec(module) is None:
            raise UsageError(
                f"{module} is not installed. Run `make hub`, or `pip install 'dmol-autograder[grader,hub]'`."
            )
    local = Path(sys.prefix) / "node" / "node_modules" / ".bin" / PROXY
    found = str(local) if local.exists() else shutil.which(PROXY)
    node = shutil.which("node")
    if found is None or node is None:
        lacking = PROXY if node else "Node.js, 20 or newer,"
        raise UsageError(
            f"{lacking} is not installed. Run `make hub`, or install Node.js and "
            f"`npm install --prefix {Path(sys.prefix) / 'node'} {PROXY}`."
        )
    return [str(Path(node).resolve()), str(Path(found).resolve())]


@contextmanager
def _only_one(plan: Plan) -> Iterator[None]:
    """Two hubs of one course would take each other's people and files."""
    with (plan.private / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"A hub of {plan.name} is running already. Stop it first, with Ctrl-C.") from None
        yield


def _tell(console: Console, plan: Plan, address: str, logins: Mapping[str, str], seconds: float) -> None:
    people = [{"name": n, "password": logins.get(n), "teaches": n == plan.people.instructor} for n in plan.people.users]
    facts = {"address": address, "course": plan.name, "folder": str(plan.course), "people": people, "pid": os.getpid()}
    write_private(plan.private / READY, json.dumps(facts))
    console.print(f"\n[bold]The course is at[/] [link={address}]{address}[/link]  (ready after {seconds:.0f} s)\n")
    for person in people:
        role = "instructor" if person["teaches"] else "student"
        password = person["password"] or "the account's own password"
        console.print(f"  {role:<12}{escape(str(person['name'])):<24}{escape(str(password))}", highlight=False)
    console.print(f"\n  grading     {address}/services/{plan.name}/formgrader/manage_assignments", soft_wrap=True)
    console.print(f"  the course  {escape(str(plan.course))}", soft_wrap=True, highlight=False)
    console.print(f"  the log     {escape(str(plan.private / 'hub.log'))}\n", soft_wrap=True, highlight=False)
    if not plan.accounts:
        console.print(
            "[bold yellow]For looking around only.[/] Everybody's programs run under one account, yours: a student "
            "could read the solutions, the hidden checks, other students' work and your files. Run it as root to give "
            "everybody an account of their own.\n"
        )
    if has_card() and not has_gpu():
        console.print("There is a GPU, but no JAX for it: `pip install 'jax[cuda13]'` adds the kernel Course (GPU).\n")
    console.print("Ctrl-C stops it.")
    with suppress(OSError):
        console.file.flush()


def _is_root() -> bool:
    return os.geteuid() == 0
