"""Pictures of several people or dates: leading reasons among the people of a list, and one person's risk over time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from perfml.reasons.leading import raising
from perfml.report.numbers import percent
from perfml.report.pictures import BASELINE, MODEL, RAISES, SMALL
from perfml.report.svg import GRID, INK, MUTED, dot, line, picture, text, text_width, ticks, wrap
from perfml.scoring.score_files import RankedRow


class Leads(NamedTuple):
    """One reason, and the number of people on a list who have it among their leading reasons that raise the risk."""

    evidence: str
    people: int
    mean: float
    """Its mean contribution among these people, in log-odds."""


def leading(rows: Iterable[RankedRow], *, most: int = 8) -> list[Leads]:
    """Count the leading reasons of score ``rows`` (``perfml.scoring.scoring.SCHEMA``), the most frequent first."""
    contributions: dict[str, list[float]] = {}
    for row in rows:
        for reason in raising(row["reasons"]):
            contributions.setdefault(reason["evidence"], []).append(reason["contribution"])
    counted = [Leads(name, len(values), sum(values) / len(values)) for name, values in contributions.items()]
    return sorted(counted, key=lambda lead: (-lead.people, -lead.mean, lead.evidence))[:most]


def summary(
    leads: Sequence[Leads], *, people: int, names: Mapping[str, str], scale: str, title: str, width: float = 560
) -> str:
    """Draw a bar for the number of ``people`` each reason leads for. ``names``: of the reasons; ``scale``: its label."""
    left, right, y = 4.0, width - 4, 6.0
    parts: list[str] = []
    for lead in leads:
        for row in wrap(names[lead.evidence], width=right - left, size=13):
            y += 17
            parts.append(text(left, y, row))
        reach = left + max(2.0, (right - left - 74) * lead.people / people)
        parts.append(line(left, y + 11, reach, y + 11, stroke=RAISES, width=8))
        parts.append(text(reach + 8, y + 15, f"{lead.people} / {people}", size=SMALL, fill=MUTED))
        y += 26
    parts.append(text(right, y + 16, scale, anchor="end", size=SMALL, fill=MUTED))
    return picture(parts, width=width, height=y + 26, title=title)


class Trace(NamedTuple):
    """One panel of a trend: the person's values and the medians at each date; NaN where one is missing."""

    label: str
    values: Sequence[float]
    median: Sequence[float]
    share: bool = False
    """Whether the values are shares, shown in per cent."""


def trend(
    dates: Sequence[dt.date],
    traces: Sequence[Trace],
    *,
    person: str,
    median: str,
    title: str,
    width: float = 560,
    height: float = 74,
) -> str:
    """Draw each of ``traces`` in its own panel over ascending ``dates``: the person solid with dots, the median dashed.

    ``person`` and ``median`` are the labels of the legend. Every panel has its own scale and is ``height`` units high.
    """
    left, right = 58.0, width - 12
    first, last = dates[0].toordinal(), dates[-1].toordinal()

    def x(date: dt.date) -> float:
        return left + (date.toordinal() - first) / max(1, last - first) * (right - left)

    parts = [line(left, 12, left + 22, 12, stroke=MODEL, width=2), dot(left + 11, 12, fill=MODEL, radius=4)]
    parts.append(text(left + 30, 16, person, size=12))
    after = left + 54 + text_width(person, 12)
    parts += [
        line(after, 12, after + 22, 12, stroke=BASELINE, width=2, dash="4 3"),
        text(after + 30, 16, median, size=12),
    ]
    y = 26.0
    for trace in traces:
        for row in wrap(trace.label, width=right - 4, size=13):
            y += 17
            parts.append(text(4, y, row, bold=True))
        parts += _panel(trace, [x(date) for date in dates], top=y + 12, height=height, ends=(left, right))
        y += height + 22
    every = math.ceil(len(dates) * 84 / (right - left))
    for date in dates[::-1][::every]:
        anchor = "end" if x(date) > right - 20 else "start" if x(date) < left + 20 else "middle"
        parts.append(text(x(date), y + 12, date.isoformat(), anchor=anchor, size=SMALL, fill=MUTED))
    return picture(parts, width=width, height=y + 22, title=title)


def _panel(trace: Trace, x: Sequence[float], *, top: float, height: float, ends: tuple[float, float]) -> list[str]:
    known = [value for value in (*trace.values, *trace.median) if not math.isnan(value)]
    if not known:
        return []
    low, high = min(known), max(known)
    padding = 0.08 * (high - low) or max(abs(high) * 0.1, 0.01)
    low, high = (max(0.0, low - padding) if low >= 0 else low - padding), high + padding

    def y(value: float) -> float:
        return top + height - (value - low) / (high - low) * height

    parts = []
    for tick in ticks(low, high, count=3):
        parts.append(line(ends[0], y(tick), ends[1], y(tick), stroke=GRID))
        label = percent(tick) if trace.share else f"{tick:g}"
        parts.append(text(ends[0] - 8, y(tick) + 4, label, anchor="end", size=SMALL, fill=MUTED))
    for values, colour, dash in ((trace.median, BASELINE, "4 3"), (trace.values, MODEL, "")):
        points = [None if math.isnan(value) else (along, y(value)) for along, value in zip(x, values, strict=True)]
        parts += [line(*a, *b, stroke=colour, width=2, dash=dash) for a, b in pairwise(points) if a and b]
        known_points = [point for point in points if point]
        if not dash:
            parts += [dot(*point, radius=4, fill=colour) for point in known_points]
            parts.append(_last(trace, values, known_points, right=ends[1]))
    return parts


def _last(trace: Trace, values: Sequence[float], points: Sequence[tuple[float, float]], *, right: float) -> str:
    """The newest value as a number above its dot."""
    if not points:
        return ""
    value = next(value for value in reversed(values) if not math.isnan(value))
    label = percent(value) if trace.share else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text(min(points[-1][0], right), points[-1][1] - 9, label, anchor="end", size=SMALL, fill=INK)
