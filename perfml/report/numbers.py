"""The numbers that pictures show."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A figure with its 95 % interval; None where it could not be estimated."""

    value: float | None
    low: float | None
    high: float | None


def inverse(figure: Interval) -> Interval:
    """Invert a figure: expected over observed becomes observed over expected.

    >>> inverse(Interval(0.8, 0.5, None))
    Interval(value=1.25, low=None, high=2.0)
    """
    value, high, low = (1 / end if end else None for end in figure)
    return Interval(value, low, high)


class WaterfallStep(NamedTuple):
    """One piece of evidence; ``contribution`` is in log-odds."""

    label: str
    contribution: float


class Bin(NamedTuple):
    """People of similar probability: the mean probability, the share with the outcome, and its 95 % interval."""

    expected: float
    observed: float
    low: float
    high: float


class Compared(NamedTuple):
    """One measure of the model and of the baseline; ``chance`` is its value for a random order, None where unknown."""

    label: str
    model: Interval
    baseline: Interval
    chance: float | None = None


def percent(share: float) -> str:
    """Format a share, with one decimal near 0 and 1.

    >>> percent(0.234), percent(0.0042), percent(0.0)
    ('23 %', '0.4 %', '0 %')
    """
    return f"{100 * share:.1f} %" if 0 < share < 0.01 or 0.99 < share < 1 else f"{100 * share:.0f} %"
