"""The invariants of a chapter: proof that its checks catch what is wrong and let pass what is right.

Runs the author's code only, and no submission. See docs/verify.md for how to read what it finds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from autograder import __version__
from autograder.course import Chapter
from autograder.verify.report import INVARIANTS, Breach, Progress, Report, Row

__all__ = ["INVARIANTS", "Breach", "Progress", "Report", "Row", "verify"]

Leaks = Callable[[Chapter], Sequence[str]]


def verify(
    chapter: Chapter,
    *,
    seeds: int = 20,
    exercises: Sequence[str] = (),
    processes: int = 2,
    state: Path | None = None,
    leaks: Leaks | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """The report on `chapter`, or on some of its `exercises`.

    `processes=0` stays in this process, which is quicker for a few small exercises. `state` is the
    state folder, where compiled code is kept, which makes the next run much faster. `leaks(chapter)` lists what is
    released but should not be (invariant 6). `progress` is called after every step.
    """
    begin = time.perf_counter()
    names = list(exercises) or list(chapter.exercises)
    tell = progress or (lambda _: None)
    if processes:
        from autograder.verify.pool import Plan, verify_in_processes

        plan = Plan(chapter.course.root, chapter.name, seeds, state)
        done = verify_in_processes(plan, names, processes=processes, tell=tell)
    else:
        from autograder.verify.one import verify_exercise

        done = {name: verify_exercise(chapter, name, seeds=seeds, tell=tell) for name in names}
    found = [breach for name in names for breach in done[name][1]]
    if leaks is not None:
        found += [Breach(chapter.name, 6, text) for text in leaks(chapter)]
    rows = tuple(done[name][0] for name in names)
    return Report(chapter.name, __version__, seeds, rows, tuple(found), time.perf_counter() - begin)
