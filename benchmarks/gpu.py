"""The CPU against a GPU: verdicts on every exercise, submissions a minute, memory of each child.

    python benchmarks/gpu.py [--chapters kernel attention] [--children 1 2 4] [--each 18] [--json gpu.json]

Every chapter's sample submissions (`tests/verdicts/`; the course's own solution where there are none) are graded on
both, and every verdict compared: score, which checks passed, which mistake was recognised. Then the class of the first
chapter is graded with 1, 2 and 4 children on one card. The card's memory is what nvidia-smi says above what was in use
before, shared by the children; private memory is the largest that any one of them had.

With --stand-in JAX's CPU backend takes the card's place, on the same path through the engine: that measures the path,
and no card.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.course import load_course
from autograder.errors import UsageError
from autograder.records import Graded, Submission, Verdict
from autograder.sandbox.device import Device, find_gpu, share_of
from autograder.sandbox.pool import open_sandbox
from autograder.session import Place, open_session
from autograder.settings import Settings

ROOT = Path(__file__).parents[1]
SECONDS = 0.1


def stand_in(*, slots: int = 1) -> Device:
    """JAX's CPU backend, treated as a card is: cold, a context for each child, a share of memory."""
    return Device("gpu", "stand-in (JAX's CPU backend, no card)", share=share_of(slots))


@dataclass(frozen=True)
class Row:
    """One exercise on both devices: how many submissions, and those whose verdicts differ."""

    chapter: str
    exercise: str
    submissions: int
    differing: tuple[str, ...]


@dataclass(frozen=True)
class Rate:
    """One class with so many children at work."""

    children: int
    submissions: int
    seconds: float
    private_mb: float | None
    card_mb: float | None

    @property
    def a_minute(self) -> float:
        return 60 * self.submissions / self.seconds


@dataclass
class Seen:
    """The largest figures met while a class is graded."""

    private: list[float] = field(default_factory=list)
    card: list[float] = field(default_factory=list)


def samples(root: Path, chapter: str, most: int) -> list[Submission]:
    files = sorted((root / "tests" / "verdicts" / chapter).glob("*.py"))[:most]
    files = files or [root / "solutions" / f"{chapter}.py"]
    return [
        Submission(file.stem, str(file), dict(enumerate(file.read_text("utf-8").split("# %%\n")))) for file in files
    ]


def grade(
    root: Path, chapter: str, class_: Sequence[Submission], device: Place, workers: int, find: Callable[..., Device]
) -> tuple[list[Graded], float]:
    """The class graded from nothing, and the seconds it took without the start of the sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(root, Path(os.environ.get("AUTOGRADER_STATE") or folder))
        with (
            open_session(
                settings, chapter, open_sandbox, again=True, device=device, workers=workers, find=find
            ) as session,
            ThreadPoolExecutor(workers) as pool,
        ):
            begin = time.monotonic()
            graded = list(pool.map(session.grade, class_))
            seconds = time.monotonic() - begin
    for one in graded:
        if one.status != "graded":
            raise SystemExit(f"{one.path} was not graded on the {device}: {one.message}")
    return graded, seconds


def differing(on_cpu: Verdict, on_gpu: Verdict) -> bool:
    def said(verdict: Verdict) -> Any:
        return verdict.score, verdict.diagnosis, [(f.label, f.passed, f.kind, f.mistake) for f in verdict.findings]

    return said(on_cpu) != said(on_gpu)


def compared(root: Path, chapter: str, most: int, find: Callable[..., Device]) -> list[Row]:
    class_ = samples(root, chapter, most)
    on_cpu, _ = grade(root, chapter, class_, "cpu", 1, find)
    on_gpu, _ = grade(root, chapter, class_, "gpu", 1, find)
    pairs = list(zip(on_cpu, on_gpu, strict=True))
    return [
        Row(
            chapter,
            verdict.name,
            len(class_),
            tuple(c.student for c, g in pairs if differing(c.verdicts[place], g.verdicts[place])),
        )
        for place, verdict in enumerate(on_cpu[0].verdicts)
    ]


def rated(root: Path, chapter: str, most: int, children: int, find: Callable[..., Device]) -> Rate:
    class_ = samples(root, chapter, most)
    class_ *= -(-children // len(class_))  # at least one for each child
    idle = card_used()
    with watching() as seen:
        _, seconds = grade(root, chapter, class_, "gpu", children, find)
    card = (max(seen.card) - idle) / children if seen.card and idle is not None else None
    return Rate(children, len(class_), seconds, max(seen.private, default=None), card)


@contextmanager
def watching() -> Iterator[Seen]:
    seen, stop = Seen(), threading.Event()

    def watch() -> None:
        while not stop.wait(SECONDS):
            seen.private.extend(private())
            if (used := card_used()) is not None:
                seen.card.append(used)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def private() -> list[float]:
    """Private memory (MB) of this process's students: those that the kernel is told to end first."""
    told: dict[int, dict[str, str]] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            lines = (entry / "status").read_text().splitlines()
            told[int(entry.name)] = dict(line.split(":", 1) for line in lines if ":" in line)
    ours = {os.getpid()}
    while new := {pid for pid, facts in told.items() if int(facts["PPid"]) in ours} - ours:
        ours |= new
    found = []
    for pid in ours & told.keys():
        with suppress(OSError):
            if Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000":
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                found.append(sum(int(line.split()[1]) for line in lines if line.startswith("Private")) / 1024)
    return found


def card_used() -> float | None:
    """Memory in use on the first card, in MB; None where nobody tells."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    try:
        return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--course", type=Path, default=ROOT)
    parser.add_argument("--chapters", nargs="*")
    parser.add_argument("--children", nargs="*", type=int, default=[1, 2, 4])
    parser.add_argument("--each", type=int, default=1000, help="At most so many submissions of each chapter.")
    parser.add_argument("--stand-in", action="store_true", help="JAX's CPU backend in the place of a card.")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    find = stand_in if asked.stand_in else find_gpu
    try:
        device = find()
    except UsageError as error:
        print(f"{error}\nWith --stand-in, JAX's CPU backend takes its place.", file=sys.stderr)
        return 2
    root = asked.course.resolve()
    chapters = asked.chapters or list(load_course(root).chapters)
    print(f"Device: {device.name}\n")
    rows = [row for chapter in chapters for row in compared(root, chapter, asked.each, find)]
    print("| chapter | exercise | submissions | verdicts that differ |\n|---|---|---:|---|")
    for row in rows:
        print(f"| {row.chapter} | {row.exercise} | {row.submissions} | {', '.join(row.differing) or 'none'} |")
    rates = [rated(root, chapters[0], asked.each, children, find) for children in asked.children]
    print("\n| children | submissions a minute | private MB a child | card MB a child |\n|---:|---:|---:|---:|")
    for rate in rates:
        memory = [f"{mb:.0f}" if mb is not None else "not told" for mb in (rate.private_mb, rate.card_mb)]
        print(f"| {rate.children} | {rate.a_minute:.1f} | {' | '.join(memory)} |")
    if asked.json:
        document = {
            "device": device.name,
            "rows": [asdict(row) for row in rows],
            "rates": [asdict(rate) | {"a_minute": rate.a_minute} for rate in rates],
        }
        asked.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return int(any(row.differing for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
