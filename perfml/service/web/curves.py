"""A curve with its interval, over two axes; the numbers of each point stand in a table and in the picture, to point at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10

from markupsafe import Markup, escape

from perfml.service.web.charts import WIDTH, Chart

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 300.0, 52.0, 16.0, 22.0, 44.0
TICKS = 4
"""Lines of the grid, at most about so many."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One point with the interval of its height."""

    x: float
    low: float
    y: float
    high: float
    cells: tuple[str, ...]
    """As the table writes it; the first is what the point is called."""


@dataclass(frozen=True, kw_only=True)
class Axes:
    """What the axes are called. Both count shares."""

    across: str
    up: str
    diagonal: bool = False
    """With the line on which both are the same."""
    level: float | None = None
    """A height to compare with."""


def curve(points: Sequence[CurvePoint], axes: Axes, *, title: str, heads: tuple[str, ...]) -> Chart:
    """A line through ``points`` in the order of ``x``, both axes from zero, with the band of the intervals."""
    ordered = sorted(points, key=lambda point: point.x)
    right = max([0.0, *(point.x for point in ordered)]) or 1.0
    top = max([axes.level or 0.0, right if axes.diagonal else 0.0, *(point.high for point in ordered)]) or 1.0

    def across(value: float) -> float:
        return LEFT + value / right * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - min(value, top) / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<path class="grid" d="M{LEFT:g} {up(tick):.1f}H{WIDTH - RIGHT:g}"/>'
        f'<text x="{LEFT - 6:g}" y="{up(tick) + 4:.1f}" text-anchor="end" class="muted">{_share(tick)}</text>'
        for tick in _ticks(top)
    ]
    parts += [
        f'<text x="{across(tick):.1f}" y="{HEIGHT - BOTTOM + 17:g}" text-anchor="middle" class="muted">{_share(tick)}</text>'
        for tick in _ticks(right)
    ]
    if axes.diagonal:
        end = min(right, top)
        parts.append(f'<path class="reference" d="M{across(0):.1f} {up(0):.1f}L{across(end):.1f} {up(end):.1f}"/>')
    if axes.level is not None:
        parts.append(f'<path class="reference" d="M{LEFT:g} {up(axes.level):.1f}H{WIDTH - RIGHT:g}"/>')
    if ordered:
        upper = [f"{across(point.x):.1f},{up(point.high):.1f}" for point in ordered]
        lower = [f"{across(point.x):.1f},{up(point.low):.1f}" for point in reversed(ordered)]
        middle = [f"{across(point.x):.1f},{up(point.y):.1f}" for point in ordered]
        parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
        parts.append(f'<polyline class="trend" points="{" ".join(middle)}"/>')
    parts += [
        f'<circle class="mark" cx="{across(point.x):.1f}" cy="{up(point.y):.1f}" r="4">'
        f"<title>{escape(' · '.join(point.cells))}</title></circle>"
        for point in ordered
    ]
    parts.append(
        f'<text x="{WIDTH - RIGHT:g}" y="{HEIGHT - 8:g}" text-anchor="end" class="muted">{escape(axes.across)}</text>'
        f'<text x="0" y="12" class="muted">{escape(axes.up)}</text>'
    )
    picture = Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" height="{HEIGHT:g}" role="img"'
        f' aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
    return Chart(title=title, svg=picture, heads=heads, rows=tuple(point.cells for point in ordered))


def _ticks(most: float) -> Iterator[float]:
    """Round numbers from zero to ``most``.

    >>> [round(tick, 3) for tick in _ticks(0.23)], list(_ticks(1.0))
    ([0.0, 0.05, 0.1, 0.15, 0.2], [0.0, 0.25, 0.5, 0.75, 1.0])
    """
    rough = most / TICKS
    unit = 10.0 ** floor(log10(rough))
    step = unit * next(each for each in (1, 2, 2.5, 5, 10) if rough <= each * unit * 1.2)
    yield from (number * step for number in range(int(most / step + 1e-6) + 1))


def _share(value: float) -> str:
    return f"{value * 100:.3g}%"
