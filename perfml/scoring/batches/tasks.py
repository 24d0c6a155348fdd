"""What Spark's executors do with people's evidence, on Arrow tables: columns, predictions, rows. Without Spark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Floats, Objects
from perfml.evidence.engines.spark_exchange import Batches
from perfml.evidence.engines.spark_part import by
from perfml.learning.dataset.conditions import true_of
from perfml.learning.registry.model_store import Model
from perfml.learning.registry.shipping import ShippedModel
from perfml.reasons.few_others import MEMBERS, compared_columns, may_not_be_stated
from perfml.reasons.selection import Spread
from perfml.scoring.batches.packing import (
    packed,
    packed_bits,
    packed_incidences,
    unpacked,
    unpacked_bits,
    unpacked_incidences,
)
from perfml.scoring.batches.rows import HELD, OPTED_OUT, SCORED, PeopleBatch, score_rows, statuses
from perfml.scoring.batches.scored_people import CHUNK
from perfml.scoring.sealed_files import ROW_GROUP

INSIDE, WITHHELD, WHY_NOT = "is inside", "is withheld", "is withheld why"
"""Columns beside the evidence: whether a person belongs to the model's population, and what withholds a score."""
COLUMN_VALUES: Final = "column int, values binary"
SPREADS: Final = pa.schema(
    [("column", pa.int32()), ("n", pa.int64()), *((f.name, pa.float64()) for f in fields(Spread))]
)
PREDICTIONS: Final = pa.schema(
    [
        ("employee_id", pa.string()),
        ("status", pa.string()),
        ("why_not", pa.string()),
        ("segments", pa.list_(pa.string())),
        ("margins", pa.list_(pa.float64())),
        ("predictions", pa.binary()),
        ("evidence", pa.binary()),
        ("unstated", pa.binary()),
    ]
)
"""A person: ``margins`` and ``predictions`` (the fields of Incidences, one after the other) of all horizons, the values of the
model's columns, and which of these may not be stated; empty without a score."""
ROWS: Final = pa.schema([("horizon", pa.int32()), ("rows", pa.binary())])
"""Some rows of one horizon, as an Arrow stream."""


def others_of(relation: str) -> str:
    """The column with how many people of a group have a value, for each column that compares with the ``relation``."""
    return f"others {relation}"


@dataclass(frozen=True, kw_only=True)
class PeopleTask:
    """Reads people at one date: who has a score, from which values, and which of them may be stated."""

    shipped: ShippedModel
    as_of: dt.date
    before_record: frozenset[str]
    """Columns that are missing at the date."""
    conditions: Mapping[str, str]
    """Key of the definition -> its SQL."""
    least_others: int

    @property
    def model(self) -> Model:
        """The model, loaded once a process."""
        return self.shipped.model()

    def __call__(self, batches: Batches) -> Batches:
        """Yield :data:`PREDICTIONS`."""
        for rows in in_chunks(batches):
            status, values = self._status(rows), self._values(rows)
            scored = status == SCORED
            model = self.model
            incidences = model.incidences(values[scored])
            segments = {name: self._true(rows, f"segments.{name}.where") for name in model.spec.segments}
            members = [[name for name, member in segments.items() if member[row]] for row in range(len(status))]
            why = rows.column(WHY_NOT).to_pylist()
            why_not = [text if of in (HELD, OPTED_OUT) else None for text, of in zip(why, status, strict=True)]
            arrays = [
                rows.column("employee_id").combine_chunks(),
                pa.array(status, pa.string()),
                pa.array(why_not, pa.string()),
                pa.array(members, pa.list_(pa.string())),
                *(
                    spread_out(array, scored)
                    for array in (
                        pa.array(list(incidences.margin), pa.list_(pa.float64())),
                        packed_incidences(incidences),
                        packed(values[scored]),
                        packed_bits(self._unstated(rows, values)[scored]),
                    )
                ),
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=PREDICTIONS)

    def _true(self, rows: pa.Table, key: str) -> Bools:
        return true_of(self.conditions[key], rows, where=f"models/{self.shipped.name}.toml [{key}]")

    def _status(self, rows: pa.Table) -> Objects:
        eligible = self._true(rows, "population.eligible") & rows.column(INSIDE).to_numpy()
        withheld = rows.column(WITHHELD).to_numpy()
        return statuses(withheld, eligible=eligible, thin=self._true(rows, "population.thin"))

    def _values(self, rows: pa.Table) -> Floats:
        names = [column.name for column in self.model.columns]
        nothing = np.full(rows.num_rows, np.nan)
        columns = [nothing if name in self.before_record else rows.column(name).to_numpy() for name in names]
        return np.ascontiguousarray(np.array(columns, dtype=np.float64).reshape(len(names), rows.num_rows).T)

    def _unstated(self, rows: pa.Table, values: Floats) -> Bools:
        """(rows, the model's columns): whether too few others stand behind a value for it to be stated."""
        unstated = np.zeros(values.shape, bool)
        for relation, numbers in compared_columns(self.model.columns).items():
            together = np.all([rows.column(by(name)).is_valid().to_numpy() for name in MEMBERS[relation]], axis=0)
            given = rows.column(others_of(relation)).combine_chunks()
            counts = np.zeros((rows.num_rows, len(numbers)), np.int64)
            counts[given.is_valid().to_numpy(zero_copy_only=False)] = (
                given.flatten().to_numpy().reshape(-1, len(numbers))
            )
            for at, number in enumerate(numbers):
                known = ~np.isnan(values[:, number]) & together
                unstated[:, number] = may_not_be_stated(known, counts[:, at] - 1, least=self.least_others)
        return unstated


@dataclass(frozen=True, kw_only=True)
class SpreadTask:
    """Determines what is ordinary in each column, from the values of everyone with a score."""

    n_columns: int
    middle_share: float

    def columns(self, batches: Batches) -> Batches:
        """The ``evidence`` of some people, one row each -> their values in each column: :data:`COLUMN_VALUES`."""
        for rows in in_chunks(batches):
            values = unpacked(rows.column("evidence"), width=self.n_columns)
            numbers = pa.array(np.arange(self.n_columns, dtype=np.int32))
            yield pa.RecordBatch.from_arrays([numbers, packed(values.T)], ["column", "values"])

    def of_column(self, values: pa.Table) -> pa.Table:
        """Rows of :data:`COLUMN_VALUES` of one column -> one of :data:`SPREADS`."""
        numbers = np.frombuffer(b"".join(values.column("values").to_pylist()))
        spread = Spread.of([numbers], middle_share=self.middle_share)
        ends = {field.name: getattr(spread, field.name) for field in fields(Spread)}
        return pa.table({"column": values.column("column")[:1], "n": [len(numbers)], **ends}, schema=SPREADS)


@dataclass(frozen=True, kw_only=True)
class ExplainTask:
    """Explains people in the order of the list."""

    shipped: ShippedModel
    as_of: dt.date
    spread: Spread
    """Of everyone with a score."""

    def __call__(self, batches: Batches) -> Batches:
        """Rows of :data:`PREDICTIONS` with the number of a ``horizon``, by horizon -> :data:`ROWS`."""
        model = self.shipped.model()
        horizons = list(model.risks)
        for rows in in_chunks(batches):
            of_horizon = rows.column("horizon").to_numpy()
            for horizon in np.unique(of_horizon).tolist():
                low, high = np.searchsorted(of_horizon, [horizon, horizon + 1]).tolist()
                people = self._people(model, rows.slice(low, high - low))
                done = score_rows(model, people, as_of=self.as_of, days=horizons[horizon], spread=self.spread)
                for first in range(0, done.num_rows, ROW_GROUP):
                    stream = as_stream(done.slice(first, ROW_GROUP))
                    yield pa.RecordBatch.from_arrays([pa.array([horizon], pa.int32()), pa.array([stream])], schema=ROWS)

    def _people(self, model: Model, rows: pa.Table) -> PeopleBatch:
        status = rows.column("status").to_numpy()
        with_score = rows.slice(0, int((status == SCORED).sum()))
        values, unstated = evidence_of(with_score, len(model.columns))
        shape = {"n_causes": 1 + len(model.learnt.competing), "n_horizons": len(model.risks)}
        return PeopleBatch(
            employee_ids=rows.column("employee_id").to_numpy(),
            status=status,
            why_not=rows.column("why_not").to_pylist(),
            segments=rows.column("segments").to_pylist(),
            values=values,
            shown=np.where(unstated, np.nan, values),
            incidences=unpacked_incidences(with_score.column("predictions"), **shape),
        )


def evidence_of(rows: pa.Table, n_columns: int) -> tuple[Floats, Bools]:
    """The values of people with a score, and which may not be stated: (rows, columns) each."""
    values = unpacked(rows.column("evidence"), width=n_columns)
    return values, unpacked_bits(rows.column("unstated"), width=n_columns)


def in_chunks(batches: Batches) -> Iterator[pa.Table]:
    """Tables of at most :data:`CHUNK` rows, in the same order."""
    for batch in batches:
        for low in range(0, batch.num_rows, CHUNK):
            yield pa.Table.from_batches([batch.slice(low, CHUNK)])


def spread_out(values: pa.Array, given: Bools) -> pa.Array:
    """``values`` of those who have one (``given``: (n,)), null for the others."""
    at = np.where(given, np.cumsum(given) - 1, 0)
    return values.take(pa.array(at, mask=~given))


def as_stream(table: pa.Table) -> bytes:
    """``table`` in Arrow's format of streams, which :func:`from_stream` reads."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def from_stream(stream: bytes) -> pa.Table:
    """What :func:`as_stream` wrote."""
    with pa.ipc.open_stream(stream) as reader:
        return reader.read_all()
