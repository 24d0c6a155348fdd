"""What Spark's executors compute between people: a task has all people of some groups, and computes as one machine does.

Without Spark; see :mod:`perfml.evidence.engines.spark_part`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perfml.evidence.comparison import GROUPED_BY, BetweenPeople
from perfml.evidence.engines.evidence_file import fields_of
from perfml.evidence.engines.layout import Layout
from perfml.evidence.log.grid import epoch_days
from perfml.evidence.tasks.exchange import Exchange, parted
from perfml.project.spec import Relation

GROUP, ROW = "of group", "row of part"
"""Columns beside the values that people are compared in; a column of evidence is not called so."""


def compared(between: Sequence[BetweenPeople]) -> dict[Relation, list[str]]:
    """Relation -> the columns whose values it compares."""
    return {
        relation: sources
        for relation in GROUPED_BY
        if (sources := list(dict.fromkeys(each.source.name for each in between if each.relation == relation)))
    }


@dataclass(frozen=True, kw_only=True)
class ComparisonTask:
    """Compares the people of some groups, as one machine compares everyone."""

    layout: Layout
    values: Mapping[Relation, Exchange]
    between: Mapping[Relation, Exchange]

    def __call__(self, number: int) -> None:
        """Leave the columns computed between the people of groups ``number``, for the part of each."""
        for relation, values in self.values.items():
            pieces = list(
                values.pieces(number)
            )  # in the order of parts, as on one machine: sums are added in that order
            self.between[relation].write(number, self._of_parts(pieces, relation))

    def _of_parts(
        self, pieces: Sequence[tuple[int, pa.Table]], relation: Relation
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the columns for each part of ``pieces``, as long as these."""
        if not pieces:
            return
        columns, low = self._columns(pa.concat_tables(rows for _, rows in pieces), relation), 0
        for part, rows in pieces:
            yield part, columns.slice(low, rows.num_rows)
            low += rows.num_rows

    def _columns(self, values: pa.Table, relation: Relation) -> pa.RecordBatch:
        codes = values.column(GROUP).combine_chunks().dictionary_encode().indices
        groups = {relation: codes.to_numpy().astype(np.int64)}
        arrays = {ROW: values.column(ROW).combine_chunks()}
        for each in self.layout.selection.between:
            if each.relation == relation:
                source = values.column(each.source.name).to_numpy()
                arrays[each.column.name] = pa.array(each.values(source, groups, decimals=self.layout.decimals))
        return pa.RecordBatch.from_pydict(arrays)


@dataclass(frozen=True, kw_only=True)
class EvidenceParts:
    """The evidence of a run, as its tasks left it."""

    layout: Layout
    rows: Exchange
    between: Mapping[Relation, Exchange]

    def __len__(self) -> int:
        """How many parts there are."""
        return self.rows.senders

    def part(self, number: int) -> pa.Table:
        """All columns of a part, in the order of people and dates."""
        rows = self.rows.piece(number)
        assert rows is not None, "every person is employed at some date"
        between: dict[str, np.ndarray] = {}
        for exchange in self.between.values():
            for _, columns in exchange.pieces(number):
                row = columns.column(ROW).to_numpy()
                for name in columns.column_names[1:]:
                    if name not in between:
                        between[name] = np.full(rows.num_rows, np.nan)
                    between[name][row] = columns.column(name).to_numpy()
        missing = np.full(rows.num_rows, np.nan)
        names = [each.column.name for each in self.layout.selection.between]
        extra = [pa.array(between.get(name, missing), from_pandas=True) for name in names]
        return pa.Table.from_arrays([*rows.columns, *extra], schema=fields_of(self.layout.columns))


@dataclass(frozen=True, kw_only=True)
class DatesTask:
    """Leaves the evidence of each part date by date, those of its columns that are wanted."""

    parts: EvidenceParts
    columns: tuple[str, ...]
    as_ofs: tuple[dt.date, ...]
    dates: Exchange
    """A date is the receiver."""

    def __call__(self, part: int) -> None:
        """Leave the rows of ``part``, people ascending."""
        rows = self.parts.part(part).select(["employee_id", "as_of", *self.columns])
        days = rows.column("as_of").cast(pa.int32()).to_numpy()
        self.dates.write(part, parted(rows, np.searchsorted(epoch_days(self.as_ofs), days)))
