"""What a person sees while a class is graded: a bar in a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from autograder.records import Graded
from autograder.tally import Tally

EVERY = 30.0
"""Seconds between two lines where there is no terminal."""

WIDE = 100
"""Columns of a terminal that has room for a bar beside the words."""


class _Words(ProgressColumn):
    """The tally in words; they change also while nothing finishes."""

    def __init__(self, tally: Tally, clock: Callable[[], float]):
        super().__init__()
        self._tally, self._clock = tally, clock

    def render(self, task: Task) -> Text:
        return Text(self._tally.words(self._clock()), overflow="ellipsis", no_wrap=True)


@contextmanager
def watched(
    console: Console, what: str, total: int, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[Graded], None]]:
    """A function to be told of every submission that finishes, while inside."""
    tally = Tally(total, clock())
    if not console.is_terminal:
        yield _logged(console, what, tally, clock)
        return
    room = (TextColumn("{task.description}"), BarColumn(bar_width=24)) if console.width >= WIDE else ()
    with Progress(*room, _Words(tally, clock), console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)

        def done(graded: Graded) -> None:
            tally.add(graded, clock())
            bar.advance(task)

        yield done


def _logged(console: Console, what: str, tally: Tally, clock: Callable[[], float]) -> Callable[[Graded], None]:
    said = tally.begin

    def done(graded: Graded) -> None:
        nonlocal said
        tally.add(graded, now := clock())
        if now - said >= EVERY and tally.finished < tally.total:
            console.print(f"{what}: {tally.words(now)}", highlight=False, markup=False, soft_wrap=True)
            said = now

    return done
