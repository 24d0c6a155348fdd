"""Pictures of more than one person or one date: what leads among the people of a list, and how a risk came about over time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from perfml.reasons.leading import raising
from perfml.report.numbers import percent
from perfml.report.pictures import BASELINE, MODEL, RAISES, SMALL
from perfml.report.svg import GRID, INK, MUTED, dot, line, picture, text, text_width, ticks, wrap


class Leads(NamedTuple):
    """One reason among the people of a list: for how many it is among the leading ones that raise the risk."""

    evidence: str
    people: int
    mean: float
    """Its mean contribution among these, in log-odds."""


def leading(rows: Iterable[Mapping[str, Any]], *, most: int = 8) -> list[Leads]:
    """What leads among score ``rows`` (``perfml.scoring.scoring.SCHEMA``), the most frequent first."""
    found: dict[str, list[float]] = {}
    for row in rows:
        for reason in raising(row["reasons"]):
            found.setdefault(reason["evidence"], []).append(reason["contribution"])
    counted = [Leads(name, len(each), sum(each) / len(each)) for name, each in found.items()]
    return sorted(counted, key=lambda one: (-one.people, -one.mean, one.evidence))[:most]


def summary(
    leads: Sequence[Leads], *, people: int, names: Mapping[str, str], said: str, title: str, width: float = 560
) -> str:
    """For how many of ``people`` each reason leads: bars with their counts; ``names`` of the reasons, ``said`` of the scale."""
    left, right, y = 4.0, width - 4, 6.0
    parts: list[str] = []
    for one in leads:
        for row in wrap(names[one.evidence], width=right - left, size=13):
            y += 17
            parts.append(text(left, y, row))
        reach = left + max(2.0, (right - left - 74) * one.people / people)
        parts.append(line(left, y + 11, reach, y + 11, stroke=RAISES, width=8))
        parts.append(text(reach + 8, y + 15, f"{one.people} / {people}", size=SMALL, fill=MUTED))
        y += 26
    parts.append(text(right, y + 16, said, anchor="end", size=SMALL, fill=MUTED))
    return picture(parts, width=width, height=y + 26, title=title)


class Trace(NamedTuple):
    """One thing over the dates of a picture: the person's values and the usual ones; NaN where there is none."""

    label: str
    values: Sequence[float]
    usual: Sequence[float]
    share: bool = False
    """Whether the values are shares, to be written as per cent."""


def trend(
    dates: Sequence[dt.date],
    traces: Sequence[Trace],
    *,
    mine: str,
    usual: str,
    title: str,
    width: float = 560,
    height: float = 74,
) -> str:
    """Each of ``traces`` in a panel of its own over ``dates``, ascending: solid with dots the person, dashed the usual.

    ``mine`` and ``usual`` are the words of the legend; every panel has its own scale, and ``height`` units of it.
    """
    left, right = 58.0, width - 12
    first, last = dates[0].toordinal(), dates[-1].toordinal()

    def x(date: dt.date) -> float:
        return left + (date.toordinal() - first) / max(1, last - first) * (right - left)

    parts = [line(left, 12, left + 22, 12, stroke=MODEL, width=2), dot(left + 11, 12, fill=MODEL, radius=4)]
    parts.append(text(left + 30, 16, mine, size=12))
    after = left + 54 + text_width(mine, 12)
    parts += [
        line(after, 12, after + 22, 12, stroke=BASELINE, width=2, dash="4 3"),
        text(after + 30, 16, usual, size=12),
    ]
    y = 26.0
    for trace in traces:
        for row in wrap(trace.label, width=right - 4, size=13):
            y += 17
            parts.append(text(4, y, row, bold=True))
        parts += _panel(trace, [x(date) for date in dates], y + 12, height, (left, right))
        y += height + 22
    every = math.ceil(len(dates) * 84 / (right - left))
    for date in dates[::-1][::every]:
        anchor = "end" if x(date) > right - 20 else "start" if x(date) < left + 20 else "middle"
        parts.append(text(x(date), y + 12, date.isoformat(), anchor=anchor, size=SMALL, fill=MUTED))
    return picture(parts, width=width, height=y + 22, title=title)


def _panel(trace: Trace, x: Sequence[float], top: float, height: float, ends: tuple[float, float]) -> list[str]:
    known = [one for one in (*trace.values, *trace.usual) if not math.isnan(one)]
    if not known:
        return []
    low, high = min(known), max(known)
    room = 0.08 * (high - low) or max(abs(high) * 0.1, 0.01)
    low, high = (max(0.0, low - room) if low >= 0 else low - room), high + room

    def y(value: float) -> float:
        return top + height - (value - low) / (high - low) * height

    parts = []
    for tick in ticks(low, high, about=3):
        parts.append(line(ends[0], y(tick), ends[1], y(tick), stroke=GRID))
        said = percent(tick) if trace.share else f"{tick:g}"
        parts.append(text(ends[0] - 8, y(tick) + 4, said, anchor="end", size=SMALL, fill=MUTED))
    for values, colour, dash in ((trace.usual, BASELINE, "4 3"), (trace.values, MODEL, "")):
        points = [None if math.isnan(value) else (at, y(value)) for at, value in zip(x, values, strict=True)]
        parts += [line(*a, *b, stroke=colour, width=2, dash=dash) for a, b in pairwise(points) if a and b]
        there = [point for point in points if point]
        if not dash:
            parts += [dot(*point, radius=4, fill=colour) for point in there]
            parts.append(_last(trace, values, there, ends[1]))
    return parts


def _last(trace: Trace, values: Sequence[float], there: Sequence[tuple[float, float]], right: float) -> str:
    """The newest value in figures, above its dot."""
    if not there:
        return ""
    value = next(one for one in reversed(values) if not math.isnan(one))
    said = percent(value) if trace.share else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text(min(there[-1][0], right), there[-1][1] - 9, said, anchor="end", size=SMALL, fill=INK)
