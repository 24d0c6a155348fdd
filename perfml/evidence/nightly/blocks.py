"""What the rows that count at one as-of date add up to, for one block of persons, and how rows that come or go change it.

All of it is whole numbers: counts, sums of scaled values, days. Adding and taking away rows in any order gives the same digits.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from perfml.arrays import Bools, Ints
from perfml.errors import DataError
from perfml.evidence.log.cells import NO_ONE, Arrays
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.kernel import NEVER
from perfml.evidence.log.windows import Plan, Side
from perfml.evidence.nightly.state import DamagedState
from perfml.files import writing

BLOCK = 8192
"""Persons of a block."""
CHANNEL_BITS, OTHER_BITS = 12, 31
"""A pair is one number: person of the block, the other, channel."""
DAY_MEASURES = frozenset({"active_days", "active_weeks", "days_since_active_day"})
MUTUAL = frozenset({"mutual_counterparts", "reciprocity"})


@dataclass(frozen=True, kw_only=True)
class BlockShape:
    """What a plan needs of each block."""

    plan: Plan
    grid: Grid
    """Of one as-of date."""
    values: bool
    """Whether any column needs sums."""

    @property
    def as_of(self) -> int:
        """The as-of date, as a day number."""
        return int(self.grid.as_ofs[0])

    @property
    def n_channels(self) -> int:
        """Channels of all sides that stored rows are expanded to."""
        return self.plan.n_channels * (2 if self.plan.counts_received or self.plan.pair_columns else 1)

    @cached_property
    def active_sets(self) -> list[tuple[int, ...]]:
        """The sets of channels of which active days are kept."""
        columns = self.plan.cell_columns
        return sorted({tuple(self.plan.channels(c)) for c in columns if c.measure in DAY_MEASURES})

    @cached_property
    def pair_channels(self) -> list[int]:
        """The channels of which the last day of each pair is kept."""
        channels: set[int] = set()
        for column in self.plan.pair_columns:
            both = column.side == "either" or column.measure in MUTUAL
            sides: tuple[Side, ...] = ("own", "received") if both else (column.side,)
            for side in sides:
                channels |= set(self.plan.meetings(side, column.kinds))
        return sorted(channels)

    @property
    def pair_reach(self) -> int:
        """The first day of the longest window of pairs."""
        return self.as_of - max((c.window_days for c in self.plan.pair_columns), default=0)

    @property
    def has_last(self) -> bool:
        """Whether taking a row away may need the rows before it."""
        return bool(self.active_sets or self.pair_channels) or any(
            c.measure == "days_since_last" for c in self.plan.cell_columns
        )


@dataclass(kw_only=True)
class SumsBlock:
    """Sums of the persons ``low`` … ``low + n − 1``."""

    low: int
    n: int
    counts: npt.NDArray[np.int32]
    """(channels, edges, n) rows before each edge."""
    totals: Ints
    """(channels, edges, n) sums before each edge; no edges where no column needs them."""
    sizes: npt.NDArray[np.float64]
    """(channels, n) sums of absolute values."""
    last: npt.NDArray[np.int32]
    """(channels, n) the last day."""
    active: Bools
    """(sets of channels, days from the first edge to the as-of date, n)."""
    pairs: Ints
    """Ascending; see :data:`CHANNEL_BITS`."""
    pair_days: npt.NDArray[np.int32]
    """The last day of each of ``pairs``."""

    @classmethod
    def empty(cls, shape: BlockShape, *, low: int, n: int) -> SumsBlock:
        """Of no rows."""
        edges = len(shape.grid.edges)
        return cls(
            low=low,
            n=n,
            counts=np.zeros((shape.n_channels, edges, n), np.int32),
            totals=np.zeros((shape.n_channels, edges if shape.values else 0, n), np.int64),
            sizes=np.zeros((shape.n_channels, n if shape.values else 0)),
            last=np.full((shape.n_channels, n), NEVER, np.int32),
            active=np.zeros((len(shape.active_sets), _reach(shape), n), bool),
            pairs=np.empty(0, np.int64),
            pair_days=np.empty(0, np.int32),
        )

    @classmethod
    def read(cls, path: Path, shape: BlockShape, *, low: int, n: int) -> SumsBlock:
        """Read a block, with persons who have come since. Raises :class:`DamagedState`."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            known = arrays["last"].shape[1]
            active = np.unpackbits(arrays.pop("bits"), axis=2, count=known).view(bool)
            block = cls(low=low, n=known, active=active, **arrays)
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise DamagedState(path) from error
        return block.wider(shape, n)

    def wider(self, shape: BlockShape, n: int) -> SumsBlock:
        """With persons who have no rows yet, ``n`` in all."""
        if n == self.last.shape[1]:
            return self
        more = SumsBlock.empty(shape, low=self.low, n=n - self.last.shape[1])
        return SumsBlock(
            low=self.low,
            n=n,
            counts=np.concatenate([self.counts, more.counts], axis=2),
            totals=np.concatenate([self.totals, more.totals], axis=2),
            sizes=np.concatenate([self.sizes, more.sizes], axis=1),
            last=np.concatenate([self.last, more.last], axis=1),
            active=np.concatenate([self.active, more.active], axis=2),
            pairs=self.pairs,
            pair_days=self.pair_days,
        )

    def write(self, path: Path) -> None:
        """Write it, with the checksums of a zip file."""
        with writing(path), path.open("wb") as file:
            np.savez(
                file,
                counts=self.counts,
                totals=self.totals,
                sizes=self.sizes,
                last=self.last,
                bits=np.packbits(self.active, axis=2),
                pairs=self.pairs,
                pair_days=self.pair_days,
            )

    def leave(self, rows: Arrays, before: Ints, after: Ints) -> None:
        """Move each edge from ``before`` to ``after``, over the ``rows`` that lie between."""
        for edge, (start, end) in enumerate(zip(before.tolist(), after.tolist(), strict=True)):
            self._count(rows, (rows["day"] >= start) & (rows["day"] < end), edge)

    def _count(self, rows: Arrays, which: Bools, edge: int) -> None:
        cell = rows["channel"][which].astype(np.int64) * self.n + (rows["person"][which] - self.low)
        if not len(cell):
            return
        flat = np.bincount(cell, minlength=len(self.counts) * self.n).reshape(len(self.counts), self.n)
        self.counts[:, edge] += flat.astype(np.int32)
        if self.totals.shape[1]:
            total = np.zeros(len(self.counts) * self.n, np.int64)
            np.add.at(total, cell, rows["scaled"][which])
            self.totals[:, edge] += total.reshape(len(self.counts), self.n)

    def add(self, rows: Arrays, shape: BlockShape, *, sign: int) -> None:
        """Add rows to the counts and sums before each edge, or take them away (``sign`` −1)."""
        if not len(rows["day"]):
            return
        shape_of = self.counts.shape
        step = rows["channel"].astype(np.int64) * shape_of[1] + shape.grid.edge_after(rows["day"])
        cell = step * self.n + (rows["person"] - self.low)
        size = shape_of[0] * shape_of[1] * shape_of[2]
        self.counts += (sign * np.cumsum(np.bincount(cell, minlength=size).reshape(shape_of), axis=1)).astype(np.int32)
        if self.totals.shape[1]:
            flat = np.zeros(size, np.int64)
            np.add.at(flat, cell, rows["scaled"])
            self.totals += sign * np.cumsum(flat.reshape(shape_of), axis=1)
            channel = rows["channel"].astype(np.int64) * self.n + (rows["person"] - self.low)
            largest = np.bincount(channel, weights=np.abs(rows["scaled"].astype(np.float64)), minlength=self.sizes.size)
            self.sizes += sign * largest.reshape(self.sizes.shape)
            if self.sizes.max(initial=0) >= 2**63:
                raise DataError(
                    "the values of one person and kind add up past 64 bits",
                    where="events.value",
                    remedy="lower value_decimals in features/sources.toml [events], or export a larger unit",
                )

    def advance(self, shape: BlockShape, days: int) -> None:
        """Let ``days`` pass: active days and pairs that no window reaches any more are left out."""
        if days and self.active.size:
            self.active[:, :-days] = self.active[:, days:]
            self.active[:, -days:] = False
        if len(self.pair_days) and days:
            self._keep_pairs(self.pair_days >= shape.pair_reach)

    def forget(self, persons: Ints) -> None:
        """Forget the days of some persons, all of whose rows are marked again."""
        mine = persons[(persons >= self.low) & (persons < self.low + self.n)] - self.low
        if not len(mine):
            return
        self.last[:, mine] = NEVER
        self.active[:, :, mine] = False
        self._keep_pairs(~np.isin(self.pairs >> (OTHER_BITS + CHANNEL_BITS), mine))

    def _keep_pairs(self, which: Bools) -> None:
        if not which.all():
            self.pairs, self.pair_days = self.pairs[which], self.pair_days[which]

    def mark(self, rows: Arrays, shape: BlockShape) -> None:
        """Mark the days of rows that count: the last of each channel and pair, and which days are active."""
        if not len(rows["day"]):
            return
        person = rows["person"] - self.low
        np.maximum.at(self.last, (rows["channel"], person), rows["day"])
        first_day = int(shape.grid.edges[0])
        for number, channels in enumerate(shape.active_sets):
            which = np.flatnonzero(np.isin(rows["channel"], channels) & (rows["day"] >= first_day))
            self.active[number, rows["day"][which] - first_day, person[which]] = True
        if shape.pair_channels:
            self._meet(rows, person, shape)

    def _meet(self, rows: Arrays, person: Ints, shape: BlockShape) -> None:
        met = (rows["other"] != NO_ONE) & (rows["other"] != rows["person"]) & (rows["day"] >= shape.pair_reach)
        which = np.flatnonzero(met & np.isin(rows["channel"], shape.pair_channels))
        pair = (person[which].astype(np.int64) << (OTHER_BITS + CHANNEL_BITS)) | (
            rows["other"][which].astype(np.int64) << CHANNEL_BITS
        )
        pair |= rows["channel"][which]
        day = rows["day"][which].astype(np.int32)
        order = np.lexsort((day, pair))
        pair, day = pair[order], day[order]
        newest = np.flatnonzero(np.append(pair[1:] != pair[:-1], True)) if len(pair) else np.empty(0, np.intp)
        pair, day = pair[newest], day[newest]
        at = np.searchsorted(self.pairs, pair)
        known = np.zeros(len(pair), bool)
        inside = at < len(self.pairs)
        known[inside] = self.pairs[at[inside]] == pair[inside]
        self.pair_days[at[known]] = np.maximum(self.pair_days[at[known]], day[known])
        self.pairs = np.insert(self.pairs, at[~known], pair[~known])
        self.pair_days = np.insert(self.pair_days, at[~known], day[~known])

    def pair_rows(self) -> Arrays:
        """The last meetings as rows of the log."""
        other = (self.pairs >> CHANNEL_BITS) & ((1 << OTHER_BITS) - 1)
        return {
            "person": (self.pairs >> (OTHER_BITS + CHANNEL_BITS)) + self.low,
            "other": other,
            "channel": (self.pairs & ((1 << CHANNEL_BITS) - 1)).astype(np.int16),
            "day": self.pair_days,
        }


def _reach(shape: BlockShape) -> int:
    return shape.as_of - int(shape.grid.edges[0])


def blocks(n_persons: int) -> Sequence[tuple[int, int]]:
    """The first person of each block, and how many it has."""
    return [(low, min(BLOCK, n_persons - low)) for low in range(0, n_persons, BLOCK)]
