"""The numbers that pictures are drawn from."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A figure with its 95 % interval; None where it could not be estimated."""

    value: float | None
    low: float | None
    high: float | None


def inverse(of: Interval) -> Interval:
    """One over a figure: expected over observed becomes observed over expected.

    >>> inverse(Interval(0.8, 0.5, None))
    Interval(value=1.25, low=None, high=2.0)
    """
    value, high, low = (1 / end if end else None for end in of)
    return Interval(value, low, high)


class Step(NamedTuple):
    """One piece of evidence; ``contribution`` in log-odds."""

    label: str
    contribution: float


class Bin(NamedTuple):
    """People of about the same probability: its mean, the share with the outcome, and that share's 95 % interval."""

    expected: float
    observed: float
    low: float
    high: float


class Compared(NamedTuple):
    """One measure of the model beside the baseline's; ``chance`` is its value for a random order, if that is known."""

    label: str
    model: Interval
    baseline: Interval
    chance: float | None = None


def percent(share: float) -> str:
    """A share as text, with a decimal where it is small.

    >>> percent(0.234), percent(0.0042), percent(0.0)
    ('23 %', '0.4 %', '0 %')
    """
    return f"{100 * share:.1f} %" if 0 < share < 0.01 or 0.99 < share < 1 else f"{100 * share:.0f} %"
