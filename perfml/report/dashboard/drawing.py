"""The pictures of the dashboard: bars of importance, and what a column adds along its values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from perfml.report.dashboard.explained import ValueGroup
from perfml.report.pictures import MODEL, SMALL
from perfml.report.svg import GRID, MUTED, dot, line, picture, shape, text, ticks, wrap


def bars(sizes: Sequence[tuple[str, float]], *, title: str, width: float = 560) -> str:
    """Draw a bar with its label above it and its number behind it for each of ``sizes``, which are not negative."""
    most = max([1e-9, *(size for _, size in sizes)])
    parts: list[str] = []
    y = 4.0
    for label, size in sizes:
        for row in wrap(label, width=width - 8, size=13):
            y += 16
            parts.append(text(4, y, row))
        end = 4 + size / most * (width - 60)
        parts.append(shape([(4, y + 6), (end, y + 6), (end, y + 16), (4, y + 16)], fill=MODEL))
        parts.append(text(end + 6, y + 16, f"{size:.2f}", fill=MUTED, size=SMALL))
        y += 24
    return picture(parts, width=width, height=y + 6, title=title)


def dependence(groups: Sequence[ValueGroup], *, label: str, adds: str, title: str, width: float = 330) -> str:
    """Draw the mean and the middle half of what a column adds for each of ``groups``, over their values."""
    left, right, top, bottom = 46.0, width - 14, 62.0, 220.0
    low, high = min(0.0, *(g.low for g in groups)), max(0.0, *(g.high for g in groups))
    high = max(high, low + 1e-6)
    first, last = groups[0].value, groups[-1].value

    def at(value: float, adds: float) -> tuple[float, float]:
        return left + (value - first) / (last - first) * (right - left), bottom - (adds - low) / (high - low) * (
            bottom - top
        )

    rows = wrap(label, width=width - 40, size=13)[:2]
    parts = [text(4, 16 + 16 * number, row, bold=True) for number, row in enumerate(rows)]
    parts.append(text(4, top - 8, adds, fill=MUTED, size=SMALL))
    for value in ticks(low, high):
        y = at(first, value)[1]
        parts += [line(left, y, right, y, stroke=MUTED if value == 0 else GRID)]
        parts.append(text(left - 6, y + 4, f"{value:+.2g}", anchor="end", fill=MUTED, size=SMALL))
    for value in ticks(first, last):
        parts.append(text(at(value, low)[0], bottom + 18, f"{value:g}", anchor="middle", fill=MUTED, size=SMALL))
    points = [at(g.value, g.mean) for g in groups]
    parts += [line(*a, *b, stroke=MODEL, width=2) for a, b in pairwise(points)]
    for g, point in zip(groups, points, strict=True):
        (x, y1), (_, y2) = at(g.value, g.low), at(g.value, g.high)
        parts += [line(x, y1, x, y2, stroke=MODEL, width=1.5), dot(*point, radius=4, fill=MODEL)]
    return picture(parts, width=width, height=bottom + 28, title=title)
