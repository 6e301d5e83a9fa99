"""Exercises verified by several processes, each of which loads the chapter itself. What comes back is our own data."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from autograder.compiled import keep_compiled
from autograder.errors import AuthorError, OurError, UsageError
from autograder.verify.report import Breach, Progress, Row

HUNG = 120.0
"""Seconds after which a mutant's process is ended. Python code is stopped earlier, by an alarm; native code, such as a
`lax.while_loop` whose condition was mutated, cannot be stopped in any other way."""
SILENT = 900.0
"""Seconds without a word after which an author's code is taken to hang."""

Result = tuple[Row, tuple[Breach, ...]]


@dataclass(frozen=True)
class Plan:
    """What every process does alike. Compiled code is kept in `state` between runs."""

    root: Path
    chapter: str
    seeds: int
    state: Path | None = None


@dataclass
class _Hand:
    """One process and the exercise it is at."""

    process: Any
    pipe: Connection
    job: str = ""
    heard: float = 0.0
    last: str = ""
    stuck: tuple[str, ...] = ()

    @property
    def patience(self) -> float:
        return HUNG if self.last.startswith("mutant ") else SILENT


@dataclass
class _Queue:
    jobs: list[str]
    done: dict[str, Result] = field(default_factory=dict)


def verify_in_processes(
    plan: Plan, names: Sequence[str], *, processes: int, tell: Callable[[Progress], None]
) -> dict[str, Result]:
    """The result of every exercise by name. Ends its processes however it is left."""
    queue = _Queue(list(names))
    hands: list[_Hand] = []
    try:
        hands = [_start(plan) for _ in range(min(processes, len(names)))]
        for hand in hands:
            _next(hand, queue)
        while any(hand.job for hand in hands):
            ready = wait([hand.pipe for hand in hands if hand.job], timeout=1.0)
            for i, hand in enumerate(hands):
                if hand.pipe in ready:
                    _hear(hand, queue, tell)
                elif hand.job and time.monotonic() - hand.heard > hand.patience:
                    hands[i] = _replaced(hand, plan)
    finally:
        for hand in hands:
            hand.process.kill()
            hand.process.join()
    return queue.done


def _start(plan: Plan) -> _Hand:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, plan), daemon=True)
    process.start()
    theirs.close()
    return _Hand(process, ours)


def _next(hand: _Hand, queue: _Queue) -> None:
    hand.last = ""
    hand.job, hand.stuck, hand.heard = (queue.jobs.pop(0) if queue.jobs else ""), (), time.monotonic()
    if hand.job:
        hand.pipe.send((hand.job, ()))


def _hear(hand: _Hand, queue: _Queue, tell: Callable[[Progress], None]) -> None:
    try:
        message = hand.pipe.recv()
    except EOFError:
        raise OurError(f"A process ended while it verified {hand.job} ({hand.last or 'at its start'}).") from None
    hand.heard = time.monotonic()
    if isinstance(message, Progress):
        hand.last = message.stage
        tell(message)
    elif isinstance(message, BaseException):
        raise message
    else:
        queue.done[hand.job] = message
        _next(hand, queue)


def _replaced(hand: _Hand, plan: Plan) -> _Hand:
    """A new process for the same exercise, which leaves out the mutant that hung."""
    hand.process.kill()
    hand.process.join()
    kind, _, text = hand.last.partition(" ")
    if kind != "mutant":
        raise OurError(f"{hand.job} gave no sign for {SILENT:g} s ({hand.last}). Is there a loop that never ends?")
    fresh = _start(plan)
    fresh.job, fresh.stuck, fresh.heard = hand.job, (*hand.stuck, text), time.monotonic()
    fresh.pipe.send((fresh.job, fresh.stuck))
    return fresh


def _work(pipe: Connection, plan: Plan) -> None:
    """What a process does: load the chapter, then verify the exercises it is told to."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer: it ends this process
    try:
        _configure(plan.state)
        from autograder.course import load_chapter, load_course
        from autograder.verify.one import verify_exercise

        loaded = load_chapter(load_course(plan.root), plan.chapter)
        for name, stuck in _jobs(pipe):
            pipe.send(verify_exercise(loaded, name, seeds=plan.seeds, tell=pipe.send, stuck=stuck))
    except (BrokenPipeError, EOFError):
        pass
    except (AuthorError, UsageError, OurError) as error:
        pipe.send(error)
    except Exception as error:
        pipe.send(OurError(f"{type(error).__name__}: {error}"))


def _configure(state: Path | None) -> None:
    """Compiling is what takes the time here, of many small programs that each run in no time."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)  # type: ignore[no-untyped-call]
    if state is not None:
        keep_compiled(state)


def _jobs(pipe: Connection) -> Iterator[tuple[str, tuple[str, ...]]]:
    while True:
        try:
            yield pipe.recv()
        except EOFError:
            return
