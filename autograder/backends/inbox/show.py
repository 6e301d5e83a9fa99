"""What went where, or would go, as a table on the screen. Names are strangers' and shown as text."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.backends.grades.table import counted, printable
from autograder.backends.inbox.collect import Collected

ACTIONS = {
    "new": "[green]new[/]",
    "replaces": "[green]replaces[/]",
    "unchanged": "unchanged",
    "older": "[yellow]kept as earlier[/]",
    "refused": "[red]refused[/]",
}


def show_collected(console: Console, collected: Collected, chapter: str, *, dry_run: bool) -> None:
    """One line a notebook that was placed, one for all that was not, and a sentence that counts them."""
    made = _table("student", "file", "handed in (UTC)", "", "note")
    for p in collected.placed:
        note = "; ".join(text for text in (p.note, p.incoming.note, _older(len(p.incoming.older))) if text)
        when = f"{'' if p.incoming.exact else 'by '}{p.incoming.when:%Y-%m-%d %H:%M}"
        file = printable(p.incoming.sent.member.name)
        made.add_row(escape(p.incoming.student), escape(file), when, ACTIONS[p.action], escape(printable(note)))
    console.print(made)
    if collected.held or collected.refused:
        left = _table("not placed", "file", "why")
        for h in collected.held:
            left.add_row(escape(h.who), escape(h.file), f"[yellow]{escape(printable(h.why))}[/]")
        for r in collected.refused:
            left.add_row("", escape(r.name), f"[red]{escape(r.why)}[/]")
        console.print(left)
    written = sum(p.action in ("new", "replaces") for p in collected.placed)
    verb = "would be placed" if dry_run else "placed"
    console.print(
        f"{chapter}: {written} of {len(collected.placed)} {verb} in submitted/, {len(collected.held)} held "
        f"back, {counted(len(collected.refused), 'file')} refused, {counted(len(collected.others), 'other file')}.",
        highlight=False,
    )
    if any(not p.incoming.exact for p in collected.placed):
        console.print(
            '"by": the download does not say when. The time of each can stand in a --map file, as `submitted`.'
        )
    if any("is in no roster" in h.why for h in collected.held):
        console.print(
            "Who is in no roster: add them to the gradebook (`nbgrader db student add`) or to a --map file, or say "
            "--place-unknown.",
            style="yellow",
        )


def _older(count: int) -> str:
    return "" if not count else f"{count} older version{'s' if count > 1 else ''} kept in earlier/"


def _table(*names: str) -> Table:
    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in names:
        made.add_column(name, overflow="fold")
    return made
