"""One download, from the zip file to `submitted/`: what the command does, without the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.backends.grades.files import read_map
from autograder.backends.grades.table import identified
from autograder.backends.inbox import senders
from autograder.backends.inbox.guard import Archive, Bounds, Member, Refused, opened
from autograder.backends.inbox.place import Course as Places
from autograder.backends.inbox.place import Placed, place
from autograder.backends.inbox.plan import Held, Rules, arrange
from autograder.errors import UsageError


@dataclass(frozen=True)
class Collected:
    """What became of a download. `others` are files that belong to nobody, by the naming scheme of that LMS."""

    placed: tuple[Placed, ...]
    held: tuple[Held, ...]
    refused: tuple[Refused, ...]
    others: tuple[Member, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left for a person to look at."""
        return not self.held and not self.refused and all(p.action != "refused" for p in self.placed)


def collect(
    root: Path,
    kind: str,
    path: Path,
    chapter: str,
    *,
    map_file: Path | None = None,
    place_unknown: bool = False,
    dry_run: bool = False,
    bounds: Bounds | None = None,
    tell: Callable[[Placed], None] = lambda placed: None,
) -> Collected:
    """Places every notebook of the download that can be placed, and lists the rest. A dry run writes nothing."""
    from autograder.backends.nbgrader.book import read_roster

    rows = read_map(map_file)
    roster = read_roster(root, chapter)
    rules = Rules(chapter, identified(roster.people, rows), roster.due, _times(rows), place_unknown)
    with opened(path, bounds) as archive:
        sent, others = _recognised(kind, archive, path)
        incoming, held = arrange(sent, rules)
        placed = []
        for one in incoming:
            placed.append(place(Places(root, chapter), one, archive, dry_run=dry_run))
            tell(placed[-1])
        return Collected(tuple(placed), held, archive.refused, tuple(others))


def _recognised(kind: str, archive: Archive, path: Path) -> tuple[list[senders.Sent], list[Member]]:
    if kind == "gradescope":
        sent, others = senders.gradescope(archive.members, _metadata(archive, path))
    else:
        sent, others = {"canvas": senders.canvas, "moodle": senders.moodle}[kind](archive.members)
    if not sent and not archive.refused:
        raise UsageError(
            f"{path} holds no submission named as {kind.capitalize()} names them, but should be its download of all "
            f"submissions. Its members: {', '.join(m.name for m in archive.members[:3]) or 'none that can be read'}."
        )
    return sent, others


def _metadata(archive: Archive, path: Path) -> Mapping[str, object]:
    found = [m for m in archive.members if m.name.rpartition("/")[2] == senders.METADATA and m.name.count("/") < 2]
    data = archive.read(found[0]) if len(found) == 1 else None
    if not isinstance(data, bytes):
        raise UsageError(f"{path} has no {senders.METADATA} that can be read, but should be an export of Gradescope's.")
    return senders.read_metadata(data)


def _times(rows: Sequence[Mapping[str, str]]) -> Mapping[str, datetime]:
    """When students handed in, from the column `submitted` of a map file."""
    found = {}
    for row in rows:
        text = row.get("submitted", "")
        if text:
            try:
                when = datetime.fromisoformat(text)
            except ValueError:
                raise UsageError(
                    f"`submitted` of {row.get('student')} is {text}, but should be a time: 2026-03-01 17:00+01:00."
                ) from None
            found[row.get("student", "")] = when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
    return found
