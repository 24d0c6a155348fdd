"""From rows of the log to columns of counts, sums and days: prefix sums over the grid give every window of every as-of date.

All columns have the shape (as-of dates, persons of the batch). Rows that became known late or were superseded are corrected
for at the as-of dates at which they do not count; all other rows take the short path.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats, Indexes, Ints
from perfml.errors import DataError
from perfml.evidence.log.active_days import WEEK, ActiveDays, days_counted, within
from perfml.evidence.log.cells import Arrays
from perfml.evidence.log.exposure import EPOCH, Exposure
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.latest import LatestEvents
from perfml.evidence.log.validity import ValidityIntervals, spread
from perfml.evidence.log.windows import Plan, WindowColumn

Channels = tuple[int, ...]
NEVER = -1_000_000
"""A day number before all days: "has not happened"."""


def cell_columns(
    rows: Arrays, plan: Plan, grid: Grid, *, low: int, n: int, decimals: int, exposure: Exposure | None = None
) -> dict[str, Floats]:
    """Columns of counts, sums and days for persons ``low`` … ``low + n − 1``: name → (as-of dates, n).

    ``exposure``: which days are missing for these persons. Raises :class:`DataError` where a sum exceeds 64 bits.
    """
    if not plan.cell_columns:
        return {}
    return batch_columns(BatchOfRows(rows, plan, grid, low=low, n=n), plan, decimals=decimals, exposure=exposure)


def batch_columns(batch: Batch, plan: Plan, *, decimals: int, exposure: Exposure | None) -> dict[str, Floats]:
    """The columns of :func:`cell_columns` of the persons of ``batch``."""
    columns = {}
    for column in plan.cell_columns:
        channels = tuple(plan.channels(column))
        if exposure is not None and exposure.of_channels(channels):
            values = _measure_exposed(batch, column, channels, exposure, decimals=decimals)
        else:
            values = _measure(batch, column, channels, decimals=decimals)
        columns[column.column.name] = values
    return columns


def _measure(batch: Batch, column: WindowColumn, channels: Channels, *, decimals: int) -> Floats:
    window, past = column.window_days, column.past_days
    match column.measure:
        case "count":
            return batch.counts.window(channels, window).astype(np.float64)
        case "sum":
            return batch.totals.window(channels, window) / 10.0**decimals
        case "mean" | "lowest" | "highest":
            latest = batch.latest(channels)
            return latest.measure(column.measure, window, last=column.last_events, decimals=decimals)
        case "active_days":
            return batch.active_days(channels, window)
        case "active_weeks":
            return batch.active_weeks(channels, window)
        case "days_since_active_day":
            return batch.days_since_active_day(channels, window, last=column.last_events)
        case "days_since_last":
            return batch.days_since(channels, window)
        case _:
            count = batch.counts.window(channels, window)
            recent = count / window
            before = (batch.counts.window(channels, past) - count) / (past - window)
            if column.measure == "trend":
                return recent - before
            return divide(recent, before)


def _measure_exposed(
    batch: Batch, column: WindowColumn, channels: Channels, exposure: Exposure, *, decimals: int
) -> Floats:
    """Like :func:`_measure`, with the missing days estimated; missing where the definition does not tolerate that."""
    window, past = column.window_days, column.past_days
    share = exposure.share(channels, window) if window else np.zeros((batch.n_as_ofs, batch.n))
    match column.measure:
        case "count":
            values = batch.counts.window(channels, window) + exposure.lacking(batch.counts.window, channels, window)
        case "sum":
            total = batch.totals.window(channels, window) + exposure.lacking(batch.totals.window, channels, window)
            values = total / 10.0**decimals
        case "mean" | "lowest" | "highest" | "days_since_active_day":  # of the events delivered
            values = _measure(batch, column, channels, decimals=decimals)
        case "active_days":
            values = batch.active_days(channels, window) + exposure.lacking(batch.active_days, channels, window)
            values = np.minimum(values, window)
        case "active_weeks":
            values = batch.active_weeks(channels, window) + exposure.lacking(batch.active_weeks, channels, window)
            values = np.minimum(values, -(-window // WEEK))
        case "days_since_last":
            values = batch.days_since(channels, window)
            missing = _missing_since(batch, channels, exposure)
            share = np.divide(missing, values, out=np.zeros_like(missing), where=values > 0)
            values = np.maximum(values - missing, 1.0)
        case _:
            count = batch.counts.window(channels, window) + exposure.lacking(batch.counts.window, channels, window)
            longer = batch.counts.window(channels, past) + exposure.lacking(batch.counts.window, channels, past)
            recent, before = count / window, (longer - count) / (past - window)
            share = np.maximum(share, exposure.share(channels, past))
            values = recent - before if column.measure == "trend" else divide(recent, before)
    return values if exposure.estimate else np.where(share > column.missing_days_share, np.nan, values)


def _missing_since(batch: Batch, channels: Channels, exposure: Exposure) -> Floats:
    """The missing days between the last event and the as-of date; 0 where the missing rows are of some of the channels only,
    since the others show when the person was last active."""
    missing = np.zeros((batch.n_as_ofs, batch.n))
    last = batch.grid.as_ofs[:, None] - np.nan_to_num(batch.days_since(channels, 0), nan=0.0)
    for gap in exposure.of_channels(channels):
        if gap.channels.issuperset(channels):
            stop = min((gap.hole.last - EPOCH).days + 1, int(batch.grid.as_ofs[gap.row]))
            first = np.maximum((gap.hole.first - EPOCH).days, last[gap.row] + 1)
            missing[gap.row] += np.where(gap.people, np.maximum(stop - first, 0.0), 0.0)
    return missing


def divide(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, missing where ``whole`` is 0."""
    out: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return out


class WindowSums:
    """Sums over channels and windows, by prefix sums along the edges of the grid: ``prefix`` (channels, edges, n).

    ``hidden``: what each of the batch's hidden rows adds where it does not count.
    """

    def __init__(self, batch: Batch, prefix: npt.NDArray[np.integer], hidden: Ints) -> None:
        self.batch, self.prefix, self.hidden = batch, prefix, hidden
        self._sums: dict[Channels, Ints] = {}
        self._windows: dict[tuple[Channels, int], Ints] = {}

    @classmethod
    def of_rows(cls, batch: BatchOfRows, cell: Indexes, values: Ints | None) -> WindowSums:
        """Of ``values`` (1 a row if None), whose place in the grid is ``cell``."""
        shape = batch.shape
        size = shape[0] * shape[1] * shape[2]
        if values is None:
            flat = np.bincount(cell, minlength=size)
        else:
            flat = np.zeros(size, np.int64)
            np.add.at(flat, cell, values)
        cube = flat.reshape(shape)
        hidden = -np.ones(len(batch.hidden_row), np.int64) if values is None else -values[batch.hidden_row]
        return cls(batch, np.cumsum(cube, axis=1, out=cube), hidden)

    def window(self, channels: Channels, days: int) -> Ints:
        """Sum over ``channels`` of the rows that count at each as-of date, in the ``days`` before it: (as-of dates, n)."""
        if (channels, days) not in self._windows:
            self._windows[channels, days] = self._window(channels, days)
        return self._windows[channels, days]

    def _window(self, channels: Channels, days: int) -> Ints:
        batch, grid = self.batch, self.batch.grid
        prefix = self.prefix[channels[0]] if len(channels) == 1 else self._summed(channels)
        total = prefix[grid.position(grid.as_ofs)] - prefix[grid.position(grid.as_ofs - days)]
        if len(self.hidden):
            inside = np.isin(batch.hidden_channel, channels) & within(grid, batch.hidden_day, batch.hidden_as_of, days)
            np.add.at(total, (batch.hidden_as_of[inside], batch.hidden_person[inside]), self.hidden[inside])
        return total

    def _summed(self, channels: Channels) -> Ints:
        if channels not in self._sums:
            self._sums[channels] = self.prefix[list(channels)].sum(axis=0)
        return self._sums[channels]


class Batch(ABC):
    """What many columns of one batch of ``n`` persons have in common."""

    counts: WindowSums
    totals: WindowSums
    hidden_as_of: Indexes
    hidden_person: Ints
    hidden_channel: npt.NDArray[np.integer]
    hidden_day: Ints

    def __init__(self, plan: Plan, grid: Grid, *, n: int, sides: int) -> None:
        self.grid, self.n, self.n_as_ofs = grid, n, len(grid.as_ofs)
        self.n_channels = plan.n_channels * sides
        self._active_days: dict[Channels, ActiveDays] = {}
        self._latest: dict[Channels, LatestEvents] = {}

    @property
    @abstractmethod
    def last(self) -> npt.NDArray[np.int32]:
        """The last day of each channel as known at each as-of date: (channels, as-of dates, n)."""

    @abstractmethod
    def make_active(self, channels: Channels) -> ActiveDays:
        """The days with any event of ``channels``."""

    @abstractmethod
    def make_latest(self, channels: Channels) -> LatestEvents:
        """The events of ``channels`` that have a value, in their order."""

    def active_days(self, channels: Channels, days: int) -> Floats:
        """Distinct days with any event of ``channels``: (as-of dates, n)."""
        return self._active(channels).window(days)

    def active_weeks(self, channels: Channels, days: int) -> Floats:
        """Weeks with any event of ``channels``, counted back from the as-of date: (as-of dates, n)."""
        return self._active(channels).weeks(days)

    def days_since_active_day(self, channels: Channels, days: int, *, last: int) -> Floats:
        """Days since the ``last``-last day with any event of ``channels`` within ``days``: (as-of dates, n)."""
        return self._active(channels).since(days, last=last)

    def _active(self, channels: Channels) -> ActiveDays:
        if channels not in self._active_days:
            self._active_days[channels] = self.make_active(channels)
        return self._active_days[channels]

    def latest(self, channels: Channels) -> LatestEvents:
        """The events of ``channels`` that have a value, in their order."""
        if channels not in self._latest:
            self._latest[channels] = self.make_latest(channels)
        return self._latest[channels]

    def days_since(self, channels: Channels, days: int) -> Floats:
        """Days since the last event; missing where there is none (or none within ``days``, if not 0)."""
        if not channels:
            return np.full((self.n_as_ofs, self.n), np.nan)
        last = self.last[list(channels)].max(axis=0)
        since: Floats = (self.grid.as_ofs[:, None] - last).astype(np.float64)
        since[last == NEVER] = np.nan
        if days:
            since[since > days] = np.nan
        return since


class BatchOfRows(Batch):
    """The rows of one batch of persons."""

    def __init__(self, rows: Arrays, plan: Plan, grid: Grid, *, low: int, n: int) -> None:
        super().__init__(plan, grid, n=n, sides=2 if "other" in rows else 1)
        self.rows = rows
        self.validity = ValidityIntervals(rows, grid)
        self.person = rows["person"] - low
        self.channel, self.day = rows["channel"], rows["day"]
        self.shape = (self.n_channels, len(grid.edges), n)
        self.hidden_row, self.hidden_as_of = self.validity.spread_hidden()
        self.hidden_person, self.hidden_channel = self.person[self.hidden_row], self.channel[self.hidden_row]
        self.hidden_day = self.day[self.hidden_row]
        cell = self.flat_index(grid.edge_after(self.day), self.shape[1])
        self.counts = WindowSums.of_rows(self, cell, None)
        if "scaled" in rows:
            scaled = rows["scaled"]
            _check_sums(scaled, self.channel, self.person)
            self.totals = WindowSums.of_rows(self, cell, scaled)

    def flat_index(self, step: Indexes, steps: int) -> Indexes:
        """The flat index of each row in an array (channels, ``steps``, n)."""
        index = np.multiply(self.channel, steps, dtype=np.intp)  # in place from here on: there are many rows
        index += step
        index *= self.n
        index += self.person
        return index

    @cached_property
    def last(self) -> npt.NDArray[np.int32]:
        """The last day of each channel as known at each as-of date: (channels, as-of dates, n)."""
        last = np.full(self.n_channels * self.n_as_ofs * self.n, NEVER, np.int32)
        lasting, validity = self.validity.lasting, self.validity
        np.maximum.at(last, self.flat_index(validity.start, self.n_as_ofs)[lasting], self.day[lasting])
        cube = last.reshape(self.n_channels, self.n_as_ofs, self.n)
        np.maximum.accumulate(cube, axis=1, out=cube)
        row, as_of = validity.spread_superseded()
        np.maximum.at(cube, (self.channel[row], as_of, self.person[row]), self.day[row])
        return cube

    def make_active(self, channels: Channels) -> ActiveDays:
        """The days with any event of ``channels``."""
        first_day = int(self.grid.edges[0])
        n_days, validity = int(self.grid.as_ofs[-1]) - first_day, self.validity
        counts = np.isin(np.arange(self.n_channels), channels)[self.channel] & (self.day >= first_day)
        lasting = counts.copy()
        lasting[validity.superseded] = False
        cell = np.subtract(self.day, first_day, dtype=np.intp)  # day × person
        cell *= self.n
        cell += self.person
        since = np.full(n_days * self.n, self.n_as_ofs, np.int64)
        np.minimum.at(since, cell[lasting], validity.start[lasting])
        active = since < self.n_as_ofs
        at_once = np.repeat(self.grid.as_of_after(first_day + np.arange(n_days)), self.n)
        late = np.flatnonzero(active & (since > at_once))
        late_index, late_as_of = spread(at_once[late], since[late])
        row, as_of = validity.spread_superseded()
        chosen = counts[row] & (as_of < since[np.where(counts[row], cell[row], 0)])
        early = np.unique(cell[row[chosen]] * self.n_as_ofs + as_of[chosen])
        exception = np.concatenate([late[late_index], early // self.n_as_ofs])
        return ActiveDays(
            self.grid,
            days_counted(active.reshape(n_days, self.n)),
            as_of=np.concatenate([late_as_of, early % self.n_as_ofs]),
            day=exception // self.n + first_day,
            person=exception % self.n,
            step=np.repeat([-1, 1], [len(late_as_of), len(early)]),
        )

    def make_latest(self, channels: Channels) -> LatestEvents:
        """The events of ``channels`` that have a value, in their order."""
        chosen = np.isin(self.channel, channels) & (self.rows["valued"] == 1)
        rows = np.flatnonzero(chosen & (self.day >= self.grid.edges[0]))
        return LatestEvents(self.rows, self.person, self.validity, self.grid, chosen=rows, n=self.n)


def _check_sums(scaled: Ints, channel: npt.NDArray[np.integer], person: npt.NDArray[np.integer]) -> None:
    """Raise :class:`DataError` where the values of one person and kind may add up past 64 bits.

    Prefix sums over all persons may wrap around: their differences stay exact as long as every sum of one person and kind fits.
    """
    largest = max(int(scaled.max(initial=0)), -int(scaled.min(initial=0)))
    if largest * len(scaled) < 2**63:
        return
    group = np.multiply(channel, int(person.max()) + 1, dtype=np.intp) + person
    if np.bincount(group, weights=np.abs(scaled.astype(np.float64))).max() >= 2**63:
        raise DataError(
            "the values of one person and kind add up past 64 bits",
            where="events.value",
            remedy="lower value_decimals in features/sources.toml [events], or export a larger unit",
        )
