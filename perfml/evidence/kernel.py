"""Cells to columns, in NumPy: prefix sums over the grid give every window of every as-of date as a difference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perfml.evidence.cells import Arrays, pair_sets
from perfml.evidence.grid import Grid
from perfml.evidence.windows import Plan, WindowColumn

Floats = npt.NDArray[np.float64]
NEVER = -1_000_000
"""A day number before all days: "has not happened"."""


def cell_columns(cells: Arrays, plan: Plan, grid: Grid, low: int, n: int, decimals: int) -> dict[str, Floats]:
    """Columns of counts, sums and days for persons ``low`` … ``low + n − 1``: name -> (n, as-of dates)."""
    if not plan.cell_columns:
        return {}
    batch = _Batch(cells, plan, grid, low, n)
    return {column.column.name: _measure(batch, column, plan, decimals) for column in plan.cell_columns}


def _measure(batch: _Batch, column: WindowColumn, plan: Plan, decimals: int) -> Floats:
    channels = plan.channels(column)
    window, past = column.window_days, column.past_days
    match column.measure:
        case "count":
            return batch.window(batch.counts, channels, window).astype(np.float64)
        case "sum":
            return batch.window(batch.totals, channels, window) / 10.0**decimals
        case "active_days":
            return batch.active_days(channels, window)
        case "days_since_last":
            return batch.days_since(channels, window)
        case _:
            recent = batch.window(batch.counts, channels, window) / window
            before = (batch.window(batch.counts, channels, past) - batch.window(batch.counts, channels, window)) / (past - window)
            if column.measure == "trend":
                return recent - before
            return np.divide(recent, before, out=np.full(recent.shape, np.nan), where=before > 0)


class _Batch:
    """The cubes (channel, person, edge) of one batch of persons, and what late rows add at single as-of dates."""

    def __init__(self, cells: Arrays, plan: Plan, grid: Grid, low: int, n: int) -> None:
        self.grid, self.n, self.n_as_ofs = grid, n, len(grid.as_ofs)
        self.at = grid.position(grid.as_ofs)
        sides = 1 + plan.counts_received
        shape = (plan.n_channels * sides, n, len(grid.edges))
        regular = cells["from_as_of"] < 0
        person = cells["person"].astype(np.int64) - low
        flat = (cells["channel"].astype(np.int64) * n + person) * shape[2] + cells["edge"]
        here = flat[regular]
        self.counts = np.cumsum(_cube(shape, here, cells["n"][regular], np.int32), axis=2, dtype=np.int32)
        self.totals = np.cumsum(_cube(shape, here, cells["total"][regular], np.int64), axis=2)
        self.bits = _cube(shape, here, cells["days"][regular], np.int64)
        last = _cube(shape, here, cells["last"][regular], np.int32, fill=NEVER)
        self.last = np.maximum.accumulate(last, axis=2)[:, :, self.at]
        self._late = _Late(cells, ~regular, person, self) if not regular.all() else None

    def window(self, cube: npt.NDArray[np.signedinteger], channels: list[int], days: int) -> npt.NDArray[np.int64]:
        """Sum over ``channels`` of the cells in the ``days`` before each as-of date: (n, as-of dates)."""
        start = self.grid.position(self.grid.as_ofs - days)
        total = np.zeros((self.n, self.n_as_ofs), np.int64)
        for channel in channels:
            total += cube[channel][:, self.at] - cube[channel][:, start]
        if self._late is not None:
            self._late.add(total, channels, days, counts=cube is self.counts)
        return total

    def active_days(self, channels: list[int], days: int) -> Floats:
        """Distinct days with any event of ``channels``."""
        bits = np.bitwise_or.reduce(self.bits[channels], axis=0) if channels else np.zeros(self.bits.shape[1:], np.int64)
        filled = np.cumsum(np.bitwise_count(bits), axis=1, dtype=np.int32)
        active = (filled[:, self.at] - filled[:, self.grid.position(self.grid.as_ofs - days)]).astype(np.float64)
        if self._late is not None:
            self._late.add_days(active, bits, channels, days)
        return active

    def days_since(self, channels: list[int], days: int) -> Floats:
        """Days since the last event; missing where there is none (or none within ``days``, if not 0)."""
        if not channels:
            return np.full((self.n, self.n_as_ofs), np.nan)
        last = self.last[channels].max(axis=0)
        if self._late is not None:
            self._late.latest(last, channels)
        since = (self.grid.as_ofs[None, :] - last).astype(np.float64)
        since[last == NEVER] = np.nan
        if days:
            since[since > days] = np.nan
        return since


class _Late:
    """The exact slow path: cells that count at some as-of dates only, one row for each such date."""

    def __init__(self, cells: Arrays, late: npt.NDArray[np.bool_], person: npt.NDArray[np.int64], batch: _Batch) -> None:
        start = cells["from_as_of"][late].astype(np.int64)
        stop = np.minimum(cells["to_as_of"][late], batch.n_as_ofs).astype(np.int64)
        row, self.as_of = spread(start, stop)
        self.person = person[late][row]
        self.edge = cells["edge"][late][row].astype(np.int64)
        self.channel, self.n, self.total, self.days, self.last = (
            cells[name][late][row] for name in ("channel", "n", "total", "days", "last")
        )
        self.edge_day = batch.grid.edges[self.edge]
        self.as_of_day = batch.grid.as_ofs[self.as_of]

    def _inside(self, channels: list[int], days: int) -> npt.NDArray[np.bool_]:
        return np.isin(self.channel, channels) & (self.edge_day > self.as_of_day - days)

    def add(self, total: npt.NDArray[np.int64], channels: list[int], days: int, *, counts: bool) -> None:
        inside = self._inside(channels, days)
        values = self.n if counts else self.total
        np.add.at(total, (self.person[inside], self.as_of[inside]), values[inside].astype(np.int64))

    def add_days(self, active: Floats, bits: npt.NDArray[np.int64], channels: list[int], days: int) -> None:
        inside = self._inside(channels, days)
        person, edge, as_of = self.person[inside], self.edge[inside], self.as_of[inside]
        key = (person * bits.shape[1] + edge) * active.shape[1] + as_of
        groups, where = np.unique(key, return_inverse=True)
        union = np.zeros(len(groups), np.int64)
        np.bitwise_or.at(union, where, self.days[inside].astype(np.int64))
        rest, as_of_of = np.divmod(groups, active.shape[1])
        person_of, edge_of = np.divmod(rest, bits.shape[1])
        known = bits[person_of, edge_of]
        np.add.at(active, (person_of, as_of_of), np.bitwise_count(known | union).astype(float) - np.bitwise_count(known))

    def latest(self, last: npt.NDArray[np.int32], channels: list[int]) -> None:
        inside = np.isin(self.channel, channels)
        np.maximum.at(last, (self.person[inside], self.as_of[inside]), self.last[inside].astype(np.int32))


def pair_columns(
    pairs: Arrays, plan: Plan, grid: Grid, low: int, n: int, departments: npt.NDArray[np.int32]
) -> dict[str, Floats]:
    """Columns of counterparts for persons ``low`` … ``low + n − 1``: name -> (n, as-of dates).

    ``departments``: (all persons, as-of dates) codes, −1 where unknown.
    """
    sets = {kinds: i for i, kinds in enumerate(pair_sets(plan))}
    runs = _runs(pairs, len(grid.as_ofs))
    made = {}
    for column in plan.pair_columns:
        which = sets[column.kinds]
        own, received = runs[f"own_{which}"], runs[f"received_{which}"]
        lasts = {"own": own, "received": received, "either": np.maximum(own, received)}

        def met(side: str, days: int = column.window_days, lasts: dict[str, npt.NDArray[np.int64]] = lasts) -> _Met:
            return _Met(runs, lasts[side], days, grid, low, n)

        if column.measure == "distinct_counterparts":
            values = met(column.side).count()
        elif column.measure == "cross_department_share":
            known, across = met(column.side).departments(departments)
            values = np.divide(across, known, out=np.full(known.shape, np.nan), where=known > 0)
        else:
            either = met("either").count()
            mutual = met("own").count() + met("received").count() - either
            share = np.divide(mutual, either, out=np.full(either.shape, np.nan), where=either > 0)
            values = mutual if column.measure == "mutual_counterparts" else share
        made[column.column.name] = values
    return made


class _Met:
    """For which pairs and as-of dates the last meeting lies within the window: spans of as-of dates, none overlapping."""

    def __init__(self, runs: Arrays, last: npt.NDArray[np.int64], days: int, grid: Grid, low: int, n: int) -> None:
        start = runs["from_as_of"].astype(np.int64)
        stop = np.minimum(np.searchsorted(grid.as_ofs, last + days, side="right"), runs["next"])
        some = stop > start
        self.start, self.stop = start[some], stop[some]
        self.person = runs["person"][some].astype(np.int64) - low
        self.global_person = runs["person"][some]
        self.other = runs["other"][some]
        self.shape = (n, len(grid.as_ofs))

    def count(self) -> Floats:
        """Distinct counterparts: (n, as-of dates)."""
        n, width = self.shape[0], self.shape[1] + 1
        steps = np.bincount(self.person * width + self.start, minlength=n * width).astype(np.float64)
        steps -= np.bincount(self.person * width + self.stop, minlength=n * width)
        return np.cumsum(steps.reshape(n, width), axis=1)[:, :-1]

    def departments(self, departments: npt.NDArray[np.int32]) -> tuple[Floats, Floats]:
        """Counterparts whose department and one's own were known, and those of them in another department."""
        inside = self.other >= 0
        row, as_of = spread(self.start[inside], self.stop[inside])
        mine = departments[self.global_person[inside][row], as_of]
        theirs = departments[self.other[inside][row], as_of]
        known = (mine >= 0) & (theirs >= 0)
        flat = self.person[inside][row] * self.shape[1] + as_of
        size = self.shape[0] * self.shape[1]
        both = np.bincount(flat[known], minlength=size).astype(np.float64)
        across = np.bincount(flat[known & (mine != theirs)], minlength=size).astype(np.float64)
        return both.reshape(self.shape), across.reshape(self.shape)


def _runs(pairs: Arrays, n_as_ofs: int) -> Arrays:
    """Pairs as runs of as-of dates ``[from_as_of, next)`` with the last day met so far, for each set of kinds.

    A pair with rows that a correction replaced is worked out date by date; all others by a running maximum.
    """
    names = [name for name in pairs if name.startswith(("own_", "received_"))]
    new = np.ones(len(pairs["person"]), bool)
    new[1:] = (pairs["person"][1:] != pairs["person"][:-1]) | (pairs["other"][1:] != pairs["other"][:-1])
    pair = np.cumsum(new) - 1
    replaced = np.zeros(pair[-1] + 1 if len(pair) else 0, bool)
    replaced[pair[pairs["to_as_of"] <= n_as_ofs]] = True
    usual = ~replaced[pair]
    out: Arrays = {name: pairs[name][usual].astype(np.int64) for name in ("person", "other", "from_as_of")}
    follows = np.full(len(out["person"]), n_as_ofs, np.int64)
    same = pair[usual][1:] == pair[usual][:-1]
    follows[:-1][same] = out["from_as_of"][1:][same]
    out["next"] = follows
    step = 4_000_000
    for name in names:
        lifted = pair[usual] * step + pairs[name][usual]
        out[name] = np.maximum.accumulate(lifted) - pair[usual] * step if len(lifted) else lifted
    if not usual.all():
        extra = _by_date({name: values[~usual] for name, values in pairs.items()}, pair[~usual], names, n_as_ofs)
        out = {name: np.concatenate([values, extra[name]]) for name, values in out.items()}
    return out


def _by_date(pairs: Arrays, pair: npt.NDArray[np.int64], names: list[str], n_as_ofs: int) -> Arrays:
    row, as_of = spread(
        pairs["from_as_of"].astype(np.int64), np.minimum(pairs["to_as_of"], n_as_ofs).astype(np.int64)
    )
    groups, first, where = np.unique(pair[row] * n_as_ofs + as_of, return_index=True, return_inverse=True)
    out: Arrays = {name: pairs[name][row][first].astype(np.int64) for name in ("person", "other")}
    out["from_as_of"] = groups % n_as_ofs
    out["next"] = out["from_as_of"] + 1
    for name in names:
        last = np.full(len(groups), NEVER, np.int64)
        np.maximum.at(last, where, pairs[name][row].astype(np.int64))
        out[name] = last
    return out


def spread(start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each span ``[start, stop)`` written out: (index of the span, value) for every value in it.

    >>> [a.tolist() for a in spread(np.array([2, 5]), np.array([4, 6]))]
    [[0, 0, 1], [2, 3, 5]]
    """
    length = np.maximum(stop - start, 0)
    row = np.repeat(np.arange(len(length)), length)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    return row, start[row] + offset


def _cube(
    shape: tuple[int, int, int], flat: npt.NDArray[np.int64], values: npt.NDArray[np.generic], kind: type[np.signedinteger], fill: int = 0
) -> npt.NDArray[np.signedinteger]:
    cube = np.full(shape, fill, kind)
    cube.ravel()[flat] = values
    return cube
