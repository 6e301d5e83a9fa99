"""What was sent, or would be, as a table on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from autograder.backends.grades.table import number, printable
from autograder.backends.lti.send import Column, Sending

STYLES = {"sent": "green", "would send": "cyan", "already there": "dim", "left out": "yellow", "failed": "red"}


@contextmanager
def counted(console: Console) -> Iterator[Callable[[Sending], None]]:
    """A line that counts the scores, while they are looked at or sent."""
    with Progress(TextColumn("{task.completed} scores"), TimeElapsedColumn(), console=console, transient=True) as line:
        task = line.add_task("", total=None)
        yield lambda sending: line.advance(task)


def show_sendings(console: Console, column: Column, sendings: Sequence[Sending], *, send: bool) -> None:
    """One line a student, then what happened to the line item, and the counts."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("student", "user", "score", "", "note"):
        made.add_column(name, justify="right" if name == "score" else "left", overflow="fold")
    for s in sorted(sendings, key=lambda each: list(STYLES).index(each.action)):
        score = "" if s.grade.score is None else f"{number(s.grade.score)}/{number(s.grade.max_score)}"
        action = f"[{STYLES[s.action]}]{s.action}[/]"
        made.add_row(escape(s.grade.person.id), escape(printable(s.user)), score, action, escape(printable(s.note)))
    console.print(made)
    where = "created" if column.created else "found" if column.address else "not there yet; --send creates it"
    console.print(f"Line item {escape(column.label)}: {where}.", highlight=False)
    actions = [s.action for s in sendings]
    counts = {action: sum(a == action for a in actions) for action in STYLES}
    console.print(", ".join(f"{n} {action}" for action, n in counts.items() if n) + ".", highlight=False)
    if not send:
        console.print("Nothing was sent: this was a dry run. Say --send to send.", style="yellow")
