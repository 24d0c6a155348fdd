"""What Spark's executors do with predicted people: what is ordinary among all, the order of the list, reasons. Without Spark.

The list is cut in stretches, from a sample of everyone's margins; a task has all people of one stretch, puts them in order and
explains them.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from perfml.arrays import Floats, Ints
from perfml.evidence.tasks.exchange import Exchange, parted
from perfml.learning.registry.model_store import Model
from perfml.learning.registry.shipping import ShippedModel
from perfml.reasons.selection import Spread
from perfml.scoring.batches.packing import packed, unpacked, unpacked_bits, unpacked_incidences
from perfml.scoring.batches.rows import PeopleBatch, score_rows
from perfml.scoring.batches.scored_people import CHUNK
from perfml.scoring.batches.tasks import margins_of
from perfml.scoring.debt import Owed
from perfml.scoring.sealed_files import ROW_GROUP

SAMPLED: Final = 50_000
"""People whose margins say where the list is cut."""


@dataclass(frozen=True, kw_only=True)
class ColumnsTask:
    """Leaves the values of everyone with a score column by column."""

    predicted: Exchange
    n_columns: int
    columns: Exchange
    """Each part's values of some columns, (columns, people), for each receiver."""

    def __call__(self, part: int) -> None:
        """Leave the values of ``part``."""
        predicted = self.predicted.piece(part)
        if predicted is None:
            self.columns.write(part, ())
            return
        values = evidence_of(predicted, self.n_columns)[0].T
        ends = np.linspace(0, self.n_columns, self.columns.receivers + 1).astype(int)
        self.columns.write(
            part,
            (
                (number, pa.RecordBatch.from_arrays([packed(values[low:high])], ["values"]))
                for number, (low, high) in enumerate(pairwise(ends))
            ),
        )


@dataclass(frozen=True, kw_only=True)
class SpreadTask:
    """Determines what is ordinary in some columns."""

    columns: Exchange
    middle_share: float
    spreads: Exchange
    """A row for each column, for one receiver."""

    def __call__(self, number: int) -> None:
        """Leave what is ordinary in the columns ``number``."""
        pieces = [values.column("values").to_pylist() for _, values in self.columns.pieces(number)]
        columns = (np.frombuffer(b"".join(of_column)) for of_column in zip(*pieces, strict=True))
        spread = Spread.of(columns, middle_share=self.middle_share)
        ends = pa.RecordBatch.from_pydict({each.name: getattr(spread, each.name) for each in fields(Spread)})
        self.spreads.write(number, [(0, ends)])


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Where the list of one horizon is cut: the first person of each stretch but the first."""

    lowest: Floats
    """(cuts,): ascending, of :func:`list_key`."""
    employee_ids: Sequence[str]
    """(cuts,): ascending where ``lowest`` is the same."""

    @classmethod
    def of(cls, keys: Floats, employee_ids: Sequence[str], *, n_stretches: int) -> Cuts:
        """From the people of a sample."""
        ids = np.asarray(employee_ids, dtype=object)
        order = np.lexsort((ids, keys))
        at = order[np.arange(1, n_stretches) * len(order) // n_stretches]
        return cls(lowest=keys[at], employee_ids=ids[at].tolist())

    def stretches(self, keys: Floats, employee_ids: pa.ChunkedArray) -> Ints:
        """The stretch of each person (n,)."""
        low, high = (np.searchsorted(self.lowest, keys, side=side) for side in ("left", "right"))
        for at in np.flatnonzero(low < high).tolist():
            low[at] = bisect_right(self.employee_ids, employee_ids[at].as_py(), low[at], high[at])
        stretches: Ints = low.astype(np.int32)
        return stretches


def list_key(margin: Floats) -> Floats:
    """What the list is ordered by, ascending, before the id: the highest margin first, people without a score (NaN) last."""
    return np.where(np.isnan(margin), np.inf, -margin)


def cuts_of(sample: pa.Table, *, n_horizons: int, n_stretches: int) -> tuple[Cuts, ...]:
    """Where the list of each horizon is cut in ``n_stretches`` of about the same length; ``sample``: margins of some people."""
    ids, keys = sample.column("employee_id").to_pylist(), list_key(margins_of(sample, n_horizons))
    return tuple(Cuts.of(of_horizon, ids, n_stretches=n_stretches) for of_horizon in keys.T)


@dataclass(frozen=True, kw_only=True)
class ListingTask:
    """Sends people to their stretch of each horizon's list."""

    cuts: Sequence[Cuts]
    """Of each horizon."""
    predicted: Exchange
    listed: Exchange
    """The receivers are the stretches of all horizons, one horizon after the other."""

    def __call__(self, part: int) -> None:
        """Leave the people of ``part`` for their stretches."""
        predicted = self.predicted.piece(part)
        self.listed.write(part, () if predicted is None else self._of_stretches(predicted))

    def _of_stretches(self, predicted: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
        margins, n_stretches = margins_of(predicted, len(self.cuts)), self.listed.receivers // len(self.cuts)
        for horizon, cuts in enumerate(self.cuts):
            stretches = cuts.stretches(list_key(margins[:, horizon]), predicted.column("employee_id"))
            yield from parted(predicted, stretches + horizon * n_stretches)


@dataclass(frozen=True, kw_only=True)
class ExplainTask:
    """Explains people in the order of the list."""

    shipped: ShippedModel
    as_of: dt.date
    spread: Spread
    """Of everyone with a score."""
    owed: Sequence[Owed | None]
    """What missing days may do to the scores of each horizon."""
    listed: Exchange
    rows: Exchange
    """The rows of each stretch for one receiver."""

    def __call__(self, stretch: int) -> None:
        """Leave the rows of ``stretch``, in the order of the list."""
        people = self.listed.table(stretch)
        self.rows.write(stretch, () if people is None else self._explained(people, stretch))

    def _explained(self, people: pa.Table, stretch: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        model = self.shipped.model()
        horizons = list(model.risks)
        horizon = stretch // (self.listed.receivers // len(horizons))
        in_order = listed(people, margins_of(people, len(horizons))[:, horizon])
        for low in range(0, in_order.num_rows, CHUNK):
            batch = _batch(model, in_order.slice(low, CHUNK), self.owed[horizon])
            done = score_rows(model, batch, as_of=self.as_of, days=horizons[horizon], spread=self.spread)
            for rows in done.to_batches(max_chunksize=ROW_GROUP):
                yield 0, rows


def listed(people: pa.Table, margin: Floats) -> pa.Table:
    """``people`` in the order of the list."""
    return people.take(pa.array(np.lexsort((people.column("employee_id").to_numpy(), list_key(margin)))))


def _batch(model: Model, rows: pa.Table, owed: Owed | None) -> PeopleBatch:
    """Predicted people, those with a score first, to be explained."""
    values, shown = evidence_of(rows, len(model.columns))
    with_score = rows.slice(0, len(values))
    shape = {"n_causes": 1 + len(model.learnt.competing), "n_horizons": len(model.risks)}
    return PeopleBatch(
        employee_ids=rows.column("employee_id").to_numpy(),
        status=rows.column("status").to_numpy(),
        why_not=rows.column("why_not").to_pylist(),
        segments=rows.column("segments").to_pylist(),
        values=values,
        shown=shown,
        incidences=unpacked_incidences(with_score.column("predictions"), **shape),
        owed=owed,
    )


def evidence_of(predicted: pa.Table, n_columns: int) -> tuple[Floats, Floats]:
    """The values of those with a score, and the same, missing where they may not be told: (people, columns) each."""
    given = predicted.filter(predicted.column("evidence").is_valid())
    values = unpacked(given.column("evidence"), width=n_columns)
    unstated = unpacked_bits(given.column("unstated"), width=n_columns)
    estimated = given.num_rows > given.column("stated").null_count
    stated = unpacked(given.column("stated"), width=n_columns) if estimated else values
    return values, np.where(unstated, np.nan, stated)
