"""What `rivals.py` has measured, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

STOCK = "nbgrader"
TITLES = {"plain": "JAX", "tensorflow": "with TensorFlow and Keras"}


def sums(costs: Sequence[Any], kind: str) -> dict[str, tuple[int, float, float, float]]:
    """Submissions, wall and processor seconds and MB at the most of each grader, over the parts that all have done."""
    those = [c for c in costs if c.kind == kind and not c.grader.startswith("once")]
    names = list(dict.fromkeys(c.grader for c in those))
    parts = [{(c.chapter, c.chunk) for c in those if c.grader == name} for name in names]
    shared = set[Any]().intersection(*parts) if not parts else parts[0].intersection(*parts[1:])
    found = {}
    for name in names:
        own = [c for c in those if c.grader == name and (c.chapter, c.chunk) in shared]
        total = (sum(getattr(c, field) for c in own) for field in ("submissions", "wall", "cpu"))
        found[name] = (*total, max((c.peak_mb for c in own), default=0.0))
    return found


def table(costs: Sequence[Any]) -> str:
    """Markdown: each grader's sums over the chapters, and the ratio of stock nbgrader to it."""
    lines = []
    for kind in dict.fromkeys(c.kind for c in costs):
        found = sums(costs, kind)
        stock = found.get(STOCK)
        lines += [
            "",
            f"| {kind} | submissions | wall s | CPU s | CPU s each | a minute | MB | wall, ratio | CPU, ratio |",
        ]
        lines.append("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for name, (count, wall, cpu, peak) in found.items():
            if count == 0:
                continue
            ratios = f"{stock[1] / wall:.1f} | {stock[2] / cpu:.1f}" if stock and stock[0] else " | "
            rate = f"{cpu / count:.2f} | {60 * count / wall:.0f} | {peak:.0f}"
            lines.append(f"| {_shown(name)} | {count} | {wall:.1f} | {cpu:.1f} | {rate} | {ratios} |")
        lines += ["", *_against("otter", found)]
    once = [c for c in costs if c.grader.startswith("once")]
    lines += ["", *(f"Once for {c.chapter}: {c.wall:.1f} s wall, {c.cpu:.1f} s of processors." for c in once)]
    return "\n".join(lines)


def _shown(grader: str) -> str:
    return grader.removesuffix("s") if grader.endswith(" 1 workers") else grader


def _against(other: str, found: dict[str, tuple[int, float, float, float]]) -> list[str]:
    """The ratios of another grader to ours."""
    if not found.get(other, (0,))[0]:
        return []
    (_, wall, cpu, _), ours = found[other], {n: s for n, s in found.items() if n.startswith("autograder") and s[0]}
    return [f"{other} to {name}: {wall / s[1]:.1f} in wall time, {cpu / s[2]:.1f} in CPU." for name, s in ours.items()]


def plot(costs: Sequence[Any], path: Path) -> None:
    """Processor seconds a submission, one bar a grader, for each kind of class."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    kinds = [k for k in dict.fromkeys(c.kind for c in costs) if any(v[0] for v in sums(costs, k).values())]
    figure, panels = plt.subplots(1, len(kinds), figsize=(5 * len(kinds), 2.6), squeeze=False, layout="constrained")
    for kind, axes in zip(kinds, panels[0], strict=True):
        found = {name: s[2] / s[0] for name, s in sums(costs, kind).items() if s[0]}
        bars = axes.barh([*map(_shown, found)], list(found.values()), color="#4477aa")
        axes.bar_label(bars, fmt="%.1f", padding=3)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        axes.set(xlabel="CPU seconds a submission", title=TITLES.get(kind, kind))
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, facecolor="white")
