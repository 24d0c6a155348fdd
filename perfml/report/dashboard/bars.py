"""Lengths of the bars that show one person: small enough to stand in the page for everyone on a list."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import expit

from perfml.reasons.record import Reason
from perfml.report.dashboard.people import OtherValues, RankedPerson

LEAST = 0.4
"""Width of the narrowest bar, in per cent of the picture."""


@dataclass(frozen=True, kw_only=True)
class WaterfallRow:
    """One reason on the way from the base value to the person's risk."""

    reason: Reason
    start: float
    """Where the bar begins, in per cent of the width of the picture."""
    width: float
    probability: float
    """After this reason and all before it."""


@dataclass(frozen=True, kw_only=True)
class Chance:
    """One value of a what-if."""

    value: float
    probability: float
    height: float
    """Of its bar, in per cent of the highest among the person's what-ifs."""
    own: bool
    """Whether it is the person's own value."""


def waterfall_rows(person: RankedPerson) -> list[WaterfallRow]:
    """The reasons in order, each beginning where the one before ends."""
    levels = [person.base]
    for reason in person.reasons:
        levels.append(levels[-1] + reason["contribution"])
    low, spread = min(levels), (max(levels) - min(levels)) or 1.0
    return [
        WaterfallRow(
            reason=reason,
            start=100 * (min(before, after) - low) / spread,
            width=max(LEAST, 100 * abs(after - before) / spread),
            probability=float(expit(after)),
        )
        for reason, before, after in zip(person.reasons, levels, levels[1:], strict=False)
    ]


def chances(person: RankedPerson, other: OtherValues) -> list[Chance]:
    """The person's own value among the others, ascending; a value that is not recorded comes first."""
    most = max(p for each in person.what_if for p in (person.probability, *(p for _, p in each.predicted)))
    points = [(value, p, False) for value, p in other.predicted] + [(other.own, person.probability, True)]
    points.sort(key=lambda point: (not math.isnan(point[0]), point[0]))
    return [Chance(value=value, probability=p, height=100 * (p / most), own=own) for value, p, own in points]
