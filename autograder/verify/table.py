"""A report as a rich table and a list of findings, for people. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from autograder.verify.report import INVARIANTS, Breach, Progress, Report, Row

COLUMNS = ("exercise", "checks", "caught", "hinted", "alter-\nnates", "oracle", "killed", "equal", "float32", "s")
"""Narrow enough for a terminal of eighty columns; docs/verify.md explains them."""


def show(console: Console, report: Report, *, root: Path | None = None) -> None:
    """The table, and under it every finding with its place. Paths are told from `root`."""
    console.print(table(report))
    for breach in report.findings:
        console.print(f"[red]{breach.invariant}[/] [bold]{escape(breach.exercise)}[/] {escape(_place(breach, root))}")
        console.print(f"  {escape(breach.message)}", highlight=False, soft_wrap=True)
    broken = sorted({b.invariant for b in report.findings})
    for number in broken:
        console.print(f"[dim]{number}: {INVARIANTS[number]}[/]", highlight=False)
    n = len(report.findings)
    verdict = "[green]All invariants hold[/]" if report.ok else f"[red]{n} finding{'s' * (n > 1)}[/]"
    console.print(f"{verdict} in {report.chapter}: {report.seeds} seeds, {report.seconds:.0f} s.", highlight=False)


def table(report: Report) -> Table:
    """One line an exercise; what needs the author's attention is red."""
    made = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        made.add_column(name, justify="left" if name in ("exercise", "oracle") else "right", no_wrap=True)
    breached = {b.exercise for b in report.findings}
    for row in report.rows:
        made.add_row(*_cells(row, row.name in breached))
    return made


@contextmanager
def progress(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A bar for every exercise at work, to be told of each step. Gone when the work is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        tasks = {}

        def told(step: Progress) -> None:
            if step.exercise not in tasks:
                tasks[step.exercise] = bars.add_task("", total=step.total)
            stage = step.stage.partition(" ")[0]
            bars.update(tasks[step.exercise], completed=step.done, description=f"{step.exercise}: {stage}")
            bars.update(tasks[step.exercise], visible=step.done < step.total)

        yield told


def _cells(row: Row, breached: bool) -> Iterator[str]:
    yield f"[red]{escape(row.name)}[/]" if breached else f"[green]{escape(row.name)}[/]"
    yield f"{row.visible}+{row.hidden}"
    yield _of(row.caught, row.mistakes)
    yield _of(row.hinted, row.mistakes)
    yield _of(row.accepted, row.alternates)
    yield {"": "[red]none[/]", "disagrees": "[red]disagrees[/]", "laws": "laws"}.get(row.oracle, "yes")
    yield f"[red]{row.killed}/{row.mutants}[/]" if row.survived else f"{row.killed}/{row.mutants}"
    yield str(row.equivalent or "")
    yield "-" if row.worst is None else (f"[red]{row.worst:.2g}[/]" if row.worst > 1 else f"{row.worst:.2g}")
    yield f"{row.seconds:.0f}"


def _of(good: int, total: int) -> str:
    return f"{good}/{total}" if good == total else f"[red]{good}/{total}[/]"


def _place(breach: Breach, root: Path | None) -> str:
    path = Path(breach.file) if breach.file else None
    if path and root and path.is_absolute() and path.is_relative_to(root.resolve()):
        path = path.relative_to(root.resolve())
    return f"{path}:{breach.line}" if path and breach.line else str(path or "")
