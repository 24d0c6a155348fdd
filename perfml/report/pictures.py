"""Pictures of reasons, back-tests and targets: pure functions from numbers to SVG text, for reports and notebooks.

In the report a table beside every picture shows the same numbers; colour never carries a meaning alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfml.report.numbers import Bin, Compared, Interval, WaterfallStep, percent
from perfml.report.svg import (
    GRID,
    INK,
    MUTED,
    diamond,
    dot,
    line,
    picture,
    shape,
    text,
    text_width,
    ticks,
    wrap,
)

__all__ = [
    "Bin",
    "Compared",
    "Interval",
    "WaterfallStep",
    "calibration",
    "comparison",
    "percent",
    "target",
    "waterfall",
]

RAISES = "var(--raises,#b3541e)"
LOWERS = "var(--lowers,#1f7a6d)"
MODEL = "var(--accent,#2457a6)"
BASELINE = "var(--muted,#5b6470)"
_LOW = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
PROBABILITIES = (*_LOW, 0.5, *(1 - p for p in reversed(_LOW)))
"""Probabilities at which the scale of a waterfall may have a tick."""
SMALL = 11.5
"""Font size of scales and legends."""


def waterfall(
    *, base: float, steps: Sequence[WaterfallStep], start: str, end: str, title: str, width: float = 560
) -> str:
    """Draw the way from the base value to one person's risk, one piece of evidence after another.

    ``base`` and the contributions are log-odds, which add up; the scale below has its ticks in probabilities. ``start``
    and ``end`` are the labels of the two ends. Bars point in the direction of their contribution; labels are wrapped to
    ``width``.
    """
    levels = [base]
    for step in steps:
        levels.append(levels[-1] + step.contribution)
    left, right, size, edge = 4.0, width - 4, 13.0, 54.0
    low, high = min(levels), max(levels)
    spread = max(high - low, 0.5)

    def x_of(margin: float) -> float:
        return left + edge + (margin - low) / spread * (right - left - 2 * edge)

    parts: list[str] = []
    behind: list[str] = []
    y = 18.0
    parts += [text(left, y, start, size=size, bold=True), dot(x_of(base), y + 15, radius=4.5)]
    y += 15
    for number, step in enumerate(steps):
        before, after = x_of(levels[number]), x_of(levels[number + 1])
        top = y
        y += 25
        for row in wrap(step.label, width=right - left, size=size):
            parts.append(text(left, y, row, size=size))
            y += 17
        behind.append(line(before, top + 5, before, y - 5, stroke=GRID, dash="2 3"))
        parts.append(_arrow(before, after, y=y + 1, contribution=step.contribution))
        outside = 7 if after >= before else -7
        label = f"→ {percent(_probability(levels[number + 1]))}"
        parts.append(
            text(after + outside, y + 5, label, anchor="start" if outside > 0 else "end", fill=MUTED, size=SMALL)
        )
        y += 4
    behind.append(line(x_of(levels[-1]), y + 4, x_of(levels[-1]), y + 26, stroke=GRID, dash="2 3"))
    y += 28
    parts += [text(left, y, end, size=size, bold=True), dot(x_of(levels[-1]), y + 15, radius=5.5)]
    y += 34
    parts.append(line(left, y, right, y))
    last_label_end = -math.inf
    for p in PROBABILITIES:
        x, label = x_of(math.log(p / (1 - p))), percent(p)
        if left + 16 <= x <= right - 16 and x - text_width(label, SMALL) / 2 > last_label_end + 8:
            parts += [line(x, y, x, y + 5), text(x, y + 18, label, anchor="middle", fill=MUTED, size=SMALL)]
            last_label_end = x + text_width(label, SMALL) / 2
    return picture([*behind, *parts], width=width, height=y + 24, title=title)


def _arrow(before: float, after: float, *, y: float, contribution: float) -> str:
    """A bar that points to ``after``."""
    direction = 1 if after >= before else -1
    tip = min(6.0, abs(after - before))
    neck = after - direction * tip
    points = [(before, y - 6), (neck, y - 6), (after, y), (neck, y + 6), (before, y + 6)]
    return shape(points, fill=RAISES if contribution >= 0 else LOWERS)


def _probability(margin: float) -> float:
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, margin))))


def calibration(
    *, bins: Sequence[Bin], title: str, expected: str, observed: str, diagonal: str, width: float = 460
) -> str:
    """Draw the observed against the expected share of each of ``bins``, with whiskers; a good model is on the diagonal.

    ``expected``, ``observed`` and ``diagonal`` are the labels of the axes and of the diagonal.
    """
    left, right, top = 52.0, width - 14, 30.0
    side = right - left
    bottom = top + side
    most = min(1.0, 1.06 * max([0.02, *(max(b.expected, b.high) for b in bins)]))

    def x(share: float) -> float:
        return left + share / most * side

    def y(share: float) -> float:
        return bottom - share / most * side

    parts = [text(left - 44, 16, observed, fill=MUTED, size=SMALL)]
    for share in ticks(0, most, count=5):
        parts += [
            line(left, y(share), right, y(share)),
            text(left - 8, y(share) + 4, percent(share), anchor="end", fill=MUTED, size=SMALL),
        ]
        parts += [line(x(share), bottom, x(share), bottom + 5)]
        parts.append(text(x(share), bottom + 19, percent(share), anchor="middle", fill=MUTED, size=SMALL))
    parts += [
        line(x(0), y(0), x(most), y(most), stroke=MUTED, dash="5 4"),
        text(right, bottom + 38, expected, anchor="end", fill=MUTED, size=SMALL),
    ]
    along = x(most * 0.87), y(most * 0.87) + 16
    label = text(*along, diagonal, anchor="middle", fill=MUTED, size=SMALL)
    parts.append(f'<g transform="rotate(-45 {along[0]:.1f} {along[1]:.1f})">{label}</g>')
    for b in bins:
        parts.append(_whisker(y(b.low), y(b.high), x(b.expected)))
    parts += [dot(x(b.expected), y(b.observed), fill=MODEL) for b in bins]
    return picture(parts, width=width, height=bottom + 46, title=title)


def _whisker(y1: float, y2: float, x: float) -> str:
    ends = [line(x - 4, y, x + 4, y, stroke=MODEL, width=1.5) for y in (y1, y2)]
    return "".join([line(x, y1, x, y2, stroke=MODEL, width=1.5), *ends])


def comparison(
    *, measures: Sequence[Compared], model: str, baseline: str, chance: str, title: str, width: float = 560
) -> str:
    """Draw the model's figures beside the baseline's, each with its 95 % interval; every measure has its own scale.

    ``model``, ``baseline`` and ``chance`` are the labels of the legend; a missing figure is left out.
    """
    parts, x = [], 8.0
    for kind, label in (("model", model), ("baseline", baseline), ("chance", chance)):
        parts += [_mark(kind, x), text(x + 12, 16, label, size=12)]
        x += 34 + text_width(label, 12)
    y = 44.0
    for measure in measures:
        parts += _panel(measure, y, width)
        y += 104
    return picture(parts, width=width, height=y - 18, title=title)


def _mark(kind: str, x: float) -> str:
    """The mark of ``kind`` in the legend."""
    if kind == "model":
        return dot(x, 12, fill=MODEL)
    return diamond(x, 12, stroke=BASELINE) if kind == "baseline" else line(x, 4, x, 20, stroke=MUTED, dash="3 3")


def _panel(measure: Compared, top: float, width: float) -> list[str]:
    pairs = ((measure.model, True), (measure.baseline, False))
    known = [n for interval, _ in pairs for n in interval if n is not None]
    parts = [text(4, top + 4, measure.label, size=13, bold=True)]
    if not known:
        return parts
    ends = [*known, measure.chance] if measure.chance is not None else known
    low, high = min(ends), max(ends)
    padding = 0.06 * (high - low) or 0.05
    low, high = low - padding, high + padding
    left, right = 10.0, width - 138

    def x(number: float) -> float:
        return left + (number - low) / (high - low) * (right - left)

    axis = top + 64
    parts.append(line(left, axis, right, axis))
    for tick in ticks(low, high):
        parts += [
            line(x(tick), axis, x(tick), axis + 4),
            text(x(tick), axis + 17, f"{tick:g}", anchor="middle", fill=MUTED, size=SMALL),
        ]
    if measure.chance is not None:
        parts.append(line(x(measure.chance), top + 13, x(measure.chance), axis, stroke=MUTED, dash="3 3"))
    for number, (interval, ours) in enumerate(pairs):
        y, colour = top + 25 + 23 * number, MODEL if ours else BASELINE
        if interval.value is None:
            continue
        label = f"{interval.value:.2f}"
        if interval.low is not None and interval.high is not None:
            parts.append(line(x(interval.low), y, x(interval.high), y, stroke=colour, width=2.5))
            label += f" ({interval.low:.2f}–{interval.high:.2f})"
        parts.append(
            dot(x(interval.value), y, radius=5.5, fill=colour) if ours else diamond(x(interval.value), y, stroke=colour)
        )
        parts.append(text(width - 2, y + 4, label, anchor="end", size=12, fill=INK if ours else MUTED))
    return parts


def target(
    *, forecast: Interval, before: float, after: float, names: tuple[str, str, str], title: str, width: float = 560
) -> str:
    """Draw a goal's forecast with its interval, and the target before and after, on a scale that starts at the lowest.

    ``names``: of the forecast, the target now, and the suggested one. They differ by shape as well as by colour.
    """
    values = [x for x in (forecast.value, forecast.low, forecast.high, before, after) if x is not None]
    low, high = min(values), max(values)
    spread = (high - low) or max(abs(high), 1.0)
    left, right, y = 60.0, width - 60, 46.0

    def x_of(value: float) -> float:
        return left + (value - low) / spread * (right - left)

    parts = []
    for tick in ticks(low, low + spread, count=4):
        parts += [
            line(x_of(tick), 26, x_of(tick), y + 30),
            text(x_of(tick), 18, f"{tick:,.6g}", anchor="middle", size=SMALL, fill=MUTED),
        ]
    if forecast.low is not None and forecast.high is not None:
        parts.append(line(x_of(forecast.low), y, x_of(forecast.high), y, stroke=MODEL, width=5))
    if forecast.value is not None:
        parts.append(dot(x_of(forecast.value), y, radius=6, fill=MODEL))
    parts.append(line(x_of(before), y - 14, x_of(before), y + 14, stroke=INK, width=2))
    if after != before:
        parts.append(diamond(x_of(after), y, stroke=RAISES))
    x = left
    for mark, name in ((dot(x, y + 48, fill=MODEL), names[0]), ("line", names[1]), ("diamond", names[2])):
        if mark == "line":
            mark = line(x, y + 40, x, y + 56, stroke=INK, width=2)
        elif mark == "diamond":
            if after == before:
                continue
            mark = diamond(x, y + 48, stroke=RAISES)
        parts += [mark, text(x + 12, y + 52, name, size=SMALL)]
        x += 30 + text_width(name, SMALL)
    return picture(parts, width=width, height=y + 64, title=title)
