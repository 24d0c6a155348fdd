"""Silent holes: stretches of days on which a part of the log has far fewer rows than its own rhythm leads one to expect.

For each part the rate of rows a head is followed on each weekday by an exponential mean (one step ahead, so that no day judges
itself), and scaled by how the rest of the log does on that day: a holiday that all share is no hole. The chance of so few rows in
a stretch is that of a negative binomial whose dispersion is measured on the part's own days, times the number of stretches that
were looked at (Bonferroni). Days that are almost empty do not change the rate, so a long hole does not become the rhythm.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from perfml.arrays import Bools, Floats, Floats32, Ints
from perfml.evidence.holes.hole import Hole
from perfml.evidence.holes.rhythm import DailyCounts

LOW = 0.15
"""A day with at most this share of its expected rows may be part of a hole."""
REACH_DAYS = 364
"""Days before the as-of date that are judged: the longest window that evidence usually has."""
WARM_UP_DAYS = 182
"""Days before those, on which the rhythm is learnt."""
SPEED = 0.2
"""Weight of the newest day in the mean of a weekday."""
FEWEST_WEEKS = 4
"""Days of a weekday that must have been seen before the next is judged."""
FEWEST_EXPECTED = 1.0
"""Rows that a day must lead one to expect to be judged."""
FEWEST_MISSING = 10.0
"""Rows a hole must lack."""
LONGEST_HOLIDAY = 10
"""Days for which everybody may be silent; a stretch of the whole log must be longer to be a hole."""
REST_ROWS = 10.0
"""Rows that the rest of the log must lead one to expect on a day to tell a holiday from a hole."""
FLOOR = 0.02
"""The least dispersion, relative to the square of the expected rows."""
COMMON = 0.7
"""Share of its expected rows that the rest of the log must have for a day to teach the rhythm."""
FEWEST_PEOPLE = 6.0
"""People over whom the rows of a part must spread: the silence of a few is their holiday."""
MOST_SILENCES = 3
"""Stretches of almost empty days in a year above which a part has no daily rhythm: it works in bursts, or once a month."""
MOST_HOLIDAYS = 20
"""The same for the whole log, whose holidays are such stretches."""
CELLS = 100_000
"""Numbers of one array of a step along the days: as many as a processor's cache holds of ten such arrays."""
EXPLAINED = 0.6
"""A hole is not mentioned where this share of what it lacks lies in a larger one."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """The days judged for one as-of date."""

    start: int
    """Position of the first one among the days of the counts."""
    expected: Floats32
    """(parts, days), 0 where a day cannot be judged."""
    rows: Floats32
    """(parts, days)."""
    dispersion: Floats
    """(parts, 2): sums of squared surplus deviation, and of squared expectation."""
    rate: Floats
    """(parts, 7): rows a head of each weekday (day number modulo 7)."""


def silent_holes(counts: DailyCounts, as_ofs: Sequence[dt.date], *, most_alarms: float) -> dict[dt.date, list[Hole]]:
    """The holes in the :data:`REACH_DAYS` before each date of ``as_ofs``, as known at that date.

    ``most_alarms``: the expected number of false alarms a year.
    """
    days = np.array([(day - dt.date(1970, 1, 1)).days - counts.first_day for day in as_ofs])
    holes: dict[dt.date, list[Hole]] = {}
    for as_of, judged in zip(as_ofs, _follow(counts, days), strict=True):
        holes[as_of] = _largest(counts, list(_holes(counts, judged, most_alarms=most_alarms)))
    return holes


def _follow(counts: DailyCounts, as_ofs: Ints) -> list[_Judged]:
    """Follow the rhythm once along the days, for all as-of dates at which a day is judged at once, and a week at a time where
    that is little: no weekday depends on another."""
    n_parts, n_days = counts.on_time.shape
    n_dates, order = len(as_ofs), np.argsort(counts.late[:, 1], kind="stable")
    late = counts.late[order]
    bounds = np.searchsorted(late[:, 1], np.arange(n_days + 1))
    starts = as_ofs - REACH_DAYS
    expected, seen = (np.zeros((n_dates, n_parts, REACH_DAYS), np.float32) for _ in range(2))
    rate, weeks = np.zeros((7, n_dates, n_parts)), np.zeros((7, n_dates, n_parts), np.int32)
    dispersion = np.zeros((2, n_dates, n_parts))
    first, last = max(0, int(starts.min()) - WARM_UP_DAYS), min(n_days, int(as_ofs.max()))
    step = max(1, min(7, CELLS // (n_dates * n_parts)))
    for begin in range(first, last, step):
        days = np.arange(begin, min(begin + step, last))
        low = int(np.searchsorted(as_ofs, begin, side="right"))
        high = int(np.searchsorted(as_ofs, days[-1] + REACH_DAYS + WARM_UP_DAYS, side="right"))
        if low >= high:
            continue
        dates = as_ofs[low:high]
        judges = ((days[:, None] < dates) & (days[:, None] >= dates - REACH_DAYS - WARM_UP_DAYS))[:, :, None]
        rows = np.repeat(counts.on_time[:, None, days].T, high - low, axis=1)
        part, day, known, n = late[bounds[begin] : bounds[days[-1] + 1]].T
        np.add.at(rows.transpose(0, 2, 1), (day - begin, part), np.where(known[:, None] < dates, n[:, None], 0))
        weekday = (counts.first_day + days) % 7
        level, past, heads = rate[weekday, low:high], weeks[weekday, low:high], counts.heads[:, None, days].T
        mean = level * heads
        rest = mean[..., :1] - mean
        common = np.ones_like(mean)
        np.divide(rows[..., :1] - rows, rest, out=common, where=rest >= REST_ROWS)
        mean = mean * np.minimum(common, 1.0)
        judged = judges & (past >= FEWEST_WEEKS) & (mean >= FEWEST_EXPECTED)
        deviation = np.where(judged, (rows - mean) ** 2 - rows, 0.0)
        expectation = np.where(judged, mean**2, 0.0)
        for index in range(len(days)):  # one by one, so that the sums do not depend on the size of a step
            dispersion[0, low:high] += deviation[index]
            dispersion[1, low:high] += expectation[index]
        empty = judged & (rows <= LOW * mean)
        number, date = np.nonzero(judges[:, :, 0] & (days[:, None] >= starts[low:high]))
        at = days[number] - starts[low + date]
        expected[low + date, :, at] = np.where(judged, mean, 0.0)[number, date]
        seen[low + date, :, at] = rows[number, date]
        teaches = judges & ~empty & (heads > 0) & (common >= COMMON)
        speed = np.maximum(SPEED, 1.0 / (past + 1))
        newest = np.divide(rows, heads * np.clip(common, COMMON, 1 / COMMON), out=np.zeros_like(rows), where=heads > 0)
        rate[weekday, low:high] = level + np.where(teaches, speed * (newest - level), 0.0)
        weeks[weekday, low:high] = past + teaches
    return [
        _Judged(start=int(start), expected=e, rows=r, dispersion=d, rate=w)
        for start, e, r, d, w in zip(
            starts, expected, seen, dispersion.transpose(1, 2, 0), rate.transpose(1, 2, 0), strict=True
        )
    ]


def _holes(counts: DailyCounts, judged: _Judged, *, most_alarms: float) -> Iterator[tuple[int, Hole]]:
    """Yield each improbable stretch with the number of its part."""
    open_days = judged.expected > 0
    empty = open_days & (judged.rows <= LOW * judged.expected)
    looked_at = max(1, int(open_days.sum()))
    as_of = dt.date(1970, 1, 1) + dt.timedelta(days=counts.first_day + judged.start + REACH_DAYS)
    for part in np.flatnonzero(empty.any(axis=1)):
        days = np.flatnonzero(open_days[part])
        runs = list(_runs(empty[part, days]))
        if len(runs) > (MOST_SILENCES if part else MOST_HOLIDAYS):
            continue
        for low, high in runs:
            stretch = days[low:high]
            first, last = int(stretch[0]), int(stretch[-1])
            trailing = high == len(days)
            if trailing:
                last = REACH_DAYS - 1
            due = judged.expected[part, stretch]
            if trailing:  # what usually arrives late is not missing yet
                due = due * counts.known_by_age(int(part), judged.start + REACH_DAYS, REACH_DAYS - stretch)
            mean, rows = float(due.sum()), float(judged.rows[part, stretch].sum())
            if mean - rows < FEWEST_MISSING:
                continue
            if _alone(judged, int(part), stretch) and last - first < LONGEST_HOLIDAY:
                continue
            chance = looked_at * _chance(judged, int(part), stretch, due)
            if chance <= most_alarms and counts.people(counts.parts[part], as_of) >= FEWEST_PEOPLE:
                day = counts.first_day + judged.start
                yield (
                    int(part),
                    Hole(
                        part=counts.parts[part],
                        first=dt.date(1970, 1, 1) + dt.timedelta(days=day + first),
                        last=dt.date(1970, 1, 1) + dt.timedelta(days=day + last),
                        cause="stopped" if trailing else "silent",
                        expected=mean,
                        rows=round(rows),
                        chance=chance,
                        weekdays=_weekdays(judged.rate[part]),
                    ),
                )


def _runs(flags: Bools) -> Iterator[tuple[int, int]]:
    """Yield start and stop of each run of true flags.

    >>> list(_runs(np.array([True, False, True, True])))
    [(0, 1), (2, 4)]
    """
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    for start, stop in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
        yield int(start), int(stop)


def _alone(judged: _Judged, part: int, stretch: Ints) -> bool:
    """Whether nothing else is large enough on these days to tell a holiday from a hole."""
    rest = judged.expected[0, stretch] - judged.expected[part, stretch]
    return part == 0 or bool((rest < REST_ROWS).any())


def _chance(judged: _Judged, part: int, stretch: Ints, due: Floats) -> float:
    """The probability of at most as many rows in the stretch, of which ``due`` should be known: a negative binomial with the
    dispersion of the other days, whose distribution is an incomplete beta function (scipy.stats has the same digits and takes
    as long to load as perfml)."""
    mean, rows = judged.expected[part, stretch], judged.rows[part, stretch]
    squared = judged.dispersion[part, 1] - float((mean**2).sum())
    surplus = judged.dispersion[part, 0] - float(((rows - mean) ** 2 - rows).sum())
    dispersion = max(FLOOR, surplus / squared) if squared > 0 else 1.0
    size = 1.0 / dispersion  # as if the days of a stretch were one day repeated: what keeps people away lasts
    total = float(due.sum())
    return float(betainc(size, round(float(rows.sum())) + 1, size / (size + total)))


def _weekdays(rate: Floats) -> tuple[float, ...]:
    """The weekdays of a hole: day numbers modulo 7 begin on a Thursday."""
    monday_first = np.roll(rate, 3)
    mean = float(monday_first.mean())
    return tuple(float(round(value / mean, 4)) for value in monday_first) if mean > 0 else (1.0,) * 7


def _largest(counts: DailyCounts, holes: list[tuple[int, Hole]]) -> list[Hole]:
    """The holes that no larger one explains: those whose lacking rows lie mostly in its part and days."""
    chosen: list[tuple[int, Hole]] = []
    for number, hole in sorted(holes, key=lambda item: (-item[1].expected, item[0])):
        if not any(explains(larger, hole, counts) for _, larger in chosen):
            chosen.append((number, hole))
    return sorted((hole for _, hole in chosen), key=lambda hole: (hole.first, -hole.expected))


def explains(larger: Hole, hole: Hole, counts: DailyCounts) -> bool:
    """Whether most of what ``hole`` lacks lies in the days and in the part of ``larger``."""
    overlap = (min(larger.last, hole.last) - max(larger.first, hole.first)).days + 1
    return overlap >= EXPLAINED * hole.days and counts.shared(hole.part, larger.part, hole.first) >= EXPLAINED
