"""A class graded on a Dask cluster. This process reads notebooks, keeps records and tells of them; workers only grade.

At most a few submissions for each worker are on the way, so that a class of any size needs little memory. One that is
lost with its worker is graded again, and counts once, because it counts when its record arrives here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future

from autograder.compiled import keep_compiled
from autograder.course import load_chapter, load_course
from autograder.errors import OurError, UsageError
from autograder.kept import record_from_text
from autograder.records import Graded
from autograder.scale.cluster import GONE, connected, workers_of
from autograder.scale.desk import cells_of
from autograder.scale.ledger import Job, Ledger
from autograder.scale.parcel import pack
from autograder.scale.plugin import GradingPlugin, grade_there, greet
from autograder.scale.where import Where
from autograder.secret import hidden_sheet
from autograder.session import Place, Session, kept_of, placed, placed_sheet, wants_gpu
from autograder.settings import Settings

ON_THE_WAY = 2
"""Submissions that are sent ahead for each thread of a worker: one is graded, the next one waits beside it."""

LOOK_SECONDS = 2.0
WAIT_SECONDS = 3600.0
"""How long there may be no worker at all before the run is given up."""

UNDONE = ("pending", "lost")
"""What a task is again whose worker died before its record was fetched: Dask has it done once more."""

PERSONAL = "{} has other numbers for every student, and is graded on this machine alone: leave --scheduler away."
NOBODY = "No worker is there; waiting."
NOBODY_CAME = f"No worker came in {WAIT_SECONDS:g} s. What had finished is kept."
NO_GPU_THERE = (
    "The workers of a cluster compute on the CPU, but a GPU is asked for. Grade without --scheduler on a machine with "
    "a card, or everything on the CPU with --device cpu."
)


@dataclass(frozen=True)
class Elsewhere:
    """Stands for the sandboxes of a cluster's workers: they are all enclosed alike, and none is here."""

    layers: tuple[str, ...]

    def open(self, *args: Any, **options: Any) -> Any:
        raise OurError("submissions are graded by the workers of a cluster, and not here")

    def expect(self, frameworks: Any) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Remote:
    """A chapter that the workers of a cluster are ready to grade. `tell` hears what a person should know."""

    session: Session
    client: Client
    name: str
    tell: Callable[[str], None]

    def grade_all(self, found: Sequence[tuple[str, Path]], done: Callable[[Graded], None]) -> list[Graded]:
        """Every submission graded, in the order of `found`; `done` hears of each when its record is here, and kept;
        what cells put out is told to it alone.

        On Ctrl-C, what is on the way is given up, and a KeyboardInterrupt follows.
        """
        ledger = Ledger(self.session, found, done)
        on_the_way: dict[str, tuple[Future, Job]] = {}
        arrived: SimpleQueue[str] = SimpleQueue()
        run = secrets.token_hex(4)  # or a killed run's tasks would have the same names
        watch = _Watch(self.client, self.tell)
        try:
            while True:
                while len(on_the_way) < watch.room() and (job := ledger.take()) is not None:
                    future = self._send(job, run)
                    future.add_done_callback(lambda f: arrived.put(f.key))
                    on_the_way[future.key] = future, job
                if not on_the_way:
                    break
                with suppress(Empty):
                    future, job = on_the_way[arrived.get(timeout=LOOK_SECONDS)]
                    if future.status in UNDONE:
                        future.add_done_callback(lambda f: arrived.put(f.key))
                        continue
                    del on_the_way[future.key]
                    self._settle(ledger, job, future)
                    future.release()
        finally:
            with suppress(Exception):  # a scheduler that has gone does not ask for it
                self.client.cancel([future for future, _ in on_the_way.values()], force=True)
        self.tell(ledger.summary())
        return ledger.results()

    def _send(self, job: Job, run: str) -> Future:
        future: Future = self.client.submit(
            grade_there,
            self.name,
            self.session.sandbox.layers,
            cells_of(job.submission),
            key=f"{self.name}-{run}-{job.key}-{job.number}",
            pure=False,
        )
        return future

    def _settle(self, ledger: Ledger, job: Job, future: Future) -> None:
        """What has become of a submission on its way: its record, another try, or an entry without a score."""
        if future.status == "error":
            ledger.failed(job, f"its worker was lost again and again: {future.exception()}")
            return
        if future.status != "finished":
            raise OurError(GONE)
        answer = json.loads(future.result())
        if "refused" in answer:
            ledger.back(job)
            self._send_away(answer["worker"], answer["refused"])
            return
        graded = record_from_text(answer["graded"])
        if graded.status == "failed-ours":
            ledger.failed(job, f"{graded.message} (on {answer['worker']})")
        else:
            ledger.commit(job, graded, answer["worker"])

    def _send_away(self, worker: str, why: str) -> None:
        """A worker that refuses is retired: it would be the first to ask for the next submission."""
        others = workers_of(self.client)
        if others.pop(worker, None) is None:
            return  # it was told of, and has gone
        self.tell(f"The worker {worker} grades nothing: {why}")
        if not others:
            raise OurError(f"No worker is left that can grade. The last one, {worker}, said: {why}")
        self.client.retire_workers([worker])


class _Watch:
    """How many workers there are, looked at now and then."""

    def __init__(self, client: Client, tell: Callable[[str], None]):
        self._client, self._tell = client, tell
        self._looked, self._threads = float("-inf"), 1
        self._since: float | None = None

    def room(self) -> int:
        """How many submissions may be on the way. `OurError` if there has been no worker for long."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked, self._threads = now, sum(workers_of(self._client).values())
            if self._threads:
                self._since = None
            elif self._since is None:
                self._since = now
                self._tell(NOBODY)
            elif now - self._since > WAIT_SECONDS:
                raise OurError(NOBODY_CAME)
        return ON_THE_WAY * max(1, self._threads)


@contextmanager
def open_remote(
    settings: Settings,
    chapter: str,
    where: Where,
    *,
    again: bool = False,
    device: Place | None = None,
    tell: Callable[[str], None],
) -> Iterator[Remote]:
    """`chapter`, ready to be graded by a cluster. Refuses (OurError) if one of the workers cannot enclose submissions,
    or would judge otherwise than this machine."""
    keep_compiled(settings.state)
    loaded = placed(load_chapter(load_course(settings.root), chapter), device)
    if loaded.entry.personal:
        raise UsageError(PERSONAL.format(chapter))
    if wants_gpu(loaded, device):
        raise UsageError(NO_GPU_THERE)
    sheet = placed_sheet(hidden_sheet(loaded, settings.state), device)
    parcel = pack(loaded, sheet, trust=settings.trust)
    name = _name(settings, chapter)
    with connected(where) as client:
        try:
            _prepare(client, name, GradingPlugin(parcel, children=where.local), tell)
            layers = _layers(client, name)
            kept = kept_of(loaded, sheet, settings, layers, again=again)
            yield Remote(Session(loaded, sheet, Elsewhere(layers), kept), client, name, tell)
        finally:
            with suppress(Exception):  # whatever it is, the class matters more
                client.unregister_worker_plugin(name)


def _prepare(client: Client, name: str, plugin: GradingPlugin, tell: Callable[[str], None]) -> None:
    """Has all workers open their desks, those to come included. Waits for the first."""
    if not workers_of(client):
        tell(NOBODY)
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError:
            raise OurError(NOBODY_CAME) from None
    tell("Preparing the workers.")
    try:
        client.register_plugin(plugin, name=name)
    except Exception as error:  # of a worker's, whatever it was
        text = f"{type(error).__name__}: {error}"
        raise OurError(f"The workers could not be prepared ({text}). Install there what is installed here.") from error


def _layers(client: Client, name: str) -> tuple[str, ...]:
    """What encloses submissions on every worker that is there."""
    greetings = [json.loads(text) for text in client.run(greet, name, on_error="ignore").values()]
    refusals = [f"- {g['worker']}: {g['refused']}" for g in greetings if "refused" in g]
    found = {tuple(g["layers"]): g["worker"] for g in greetings if "refused" not in g}
    if len(found) > 1:
        differing = "; ".join(f"{worker} by {', '.join(layers)}" for layers, worker in found.items())
        refusals.append(f"- submissions should be enclosed alike everywhere, but are on {differing}.")
    if refusals or not found:
        raise OurError("Nothing was graded, because not all workers can grade:\n" + "\n".join(refusals))
    return next(iter(found))


def _name(settings: Settings, chapter: str) -> str:
    """The same for a grader's next run, which then replaces what a killed one has left; another for other graders."""
    parts = (socket.gethostname(), str(settings.root), str(settings.state), chapter)
    return f"autograder-{hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()}"
