"""The histogram of a class's scores as an SVG picture whose colours are the page's. Pure; draws numbers only."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograder.classroom.summary import Bin

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 26, 46  # margins


def histogram_svg(bins: Sequence[Bin], median: float | None) -> str:
    """Bars over points, and a dashed line at the median. Holds its words for a screen reader. Empty without bins."""
    if not bins:
        return ""
    top = max(1, *(b.count for b in bins))
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**6) if top / s <= 5)
    top = step * math.ceil(top / step)
    most = bins[-1].high

    def x(points: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * points / most, 2)

    def y(count: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * count / top, 2)

    parts = [
        f'<svg class="histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="scores-title scores-said">',
        '<title id="scores-title">How many submissions earned how many points</title>',
        f'<desc id="scores-said">{said(bins, median)}</desc>',
    ]
    for count in range(0, top + 1, step):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(count)}" y2="{y(count)}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 7}" y="{y(count) + 4}" text-anchor="end">{count}</text>')
    for b in bins:
        left, width = x(b.low) + 1, x(b.high) - x(b.low) - 2
        parts.append(
            f'<rect class="bin" x="{left:g}" y="{y(b.count)}" width="{width:g}" height="{y(0) - y(b.count):g}"/>'
        )
    for edge in (*(b.low for b in bins), most):
        parts.append(f'<text class="tick" x="{x(edge)}" y="{y(0) + 17}" text-anchor="middle">{edge:g}</text>')
    if median is not None:
        at, side = x(median), "end" if median > most / 2 else "start"
        parts.append(f'<line class="median" x1="{at}" x2="{at}" y1="{TOP - 8}" y2="{y(0)}"/>')
        shift = -6 if side == "end" else 6
        parts.append(
            f'<text class="tick" x="{at + shift:g}" y="{TOP - 8}" text-anchor="{side}">median {median:g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="axis" x="{middle:g}" y="{HEIGHT - 8}" text-anchor="middle">points</text>')
    turned = f'transform="rotate(-90)" x="{-(TOP + HEIGHT - BOTTOM) / 2:g}" y="14"'
    parts.append(f'<text class="axis" {turned} text-anchor="middle">submissions</text></svg>')
    return "".join(parts)


def said(bins: Sequence[Bin], median: float | None) -> str:
    """The picture in words: every bin that holds somebody."""
    held = [f"{b.low:g} to {b.high:g} points: {b.count}" for b in bins if b.count]
    words = "; ".join(held) or "nobody has a score"
    return f"{words}. " + (f"The median is {median:g} points." if median is not None else "")
