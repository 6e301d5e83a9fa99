"""What an export would write, or has written, as a table on the screen."""

from __future__ import annotations

import os
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.backends.grades.fill import Filled
from autograder.backends.grades.table import counted, printable


def show_filled(console: Console, filled: Filled, path: Path, *, dry_run: bool) -> None:
    """One line a student; those with a note come last, where they are read."""
    title = f"{filled.column}" + (f": {filled.chapter}" if filled.chapter else "")
    made = Table(
        title=escape(printable(title)), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, header_style="bold"
    )
    for name in ("student", "row", "was", "now", "note"):
        made.add_column(name, justify="right" if name in ("row", "was", "now") else "left", overflow="fold")
    for line in sorted(filled.lines, key=lambda each: bool(each.note)):
        note = f"[yellow]{escape(printable(line.note))}[/]" if line.note else ""
        texts = (printable(line.who), "" if line.row is None else str(line.row), printable(line.was), line.now)
        made.add_row(*map(escape, texts), note)
    console.print(made)
    where = escape(os.path.relpath(path))
    scores = counted(sum(1 for line in filled.lines if line.now and not line.note), "score")
    console.print(
        f"{scores} {'would be written' if dry_run else 'written'}, {len(filled.unplaced)} found no place. "
        + (f"Nothing was written; the file would be {where}." if dry_run else f"Wrote {where}."),
        highlight=False,
    )
