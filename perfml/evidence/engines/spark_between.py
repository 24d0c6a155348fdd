"""What Spark's executors compute between people: a task has all people of some groups, and computes as one machine does.

Without Spark; see :mod:`perfml.evidence.engines.spark_part`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.evidence.comparison import GROUPED_BY, BetweenPeople
from perfml.evidence.engines.evidence_file import fields_of
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_blocks import Batches, blocks, parted, tables_of_parts
from perfml.project.spec import Relation


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

    between: Sequence[BetweenPeople]
    decimals: int

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of the columns computed between people, for the part of each; ``batches``: blocks of each relation."""
        for _, tables in tables_of_parts(batches):
            for relation in compared(self.between):
                if relation in tables:
                    # the order of rows on one machine, so that sums are added in the same order
                    values = tables[relation].sort_by([("part", "ascending"), ("row", "ascending")])
                    columns = self._columns(values.combine_chunks(), relation)
                    for part, own in parted(columns, values.column("part").to_numpy()):
                        yield from blocks(own, part=part, content=relation)

    def _columns(self, values: pa.Table, relation: Relation) -> pa.Table:
        groups = {relation: pd.factorize(values.column("group").to_numpy())[0]}
        arrays = {"row": values.column("row")}
        for each in self.between:
            if each.relation == relation:
                source = values.column(each.source.name).to_numpy()
                arrays[each.column.name] = pa.array(each.values(source, groups, decimals=self.decimals))
        return pa.table(arrays)


@dataclass(frozen=True)
class Completion:
    """Puts the columns computed between people beside the others."""

    layout: Layout

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of ``evidence``; ``batches``: blocks of ``rows`` and of each relation."""
        for part, tables in tables_of_parts(batches):
            rows, between = tables.pop("rows"), {}
            for columns in tables.values():
                row = columns.column("row").to_numpy()
                for name in columns.column_names[1:]:
                    values = np.full(rows.num_rows, np.nan)
                    values[row] = columns.column(name).to_numpy()
                    between[name] = values
            missing = np.full(rows.num_rows, np.nan)
            names = [each.column.name for each in self.layout.selection.between]
            extra = [pa.array(between.get(name, missing), from_pandas=True) for name in names]
            evidence = pa.Table.from_arrays([*rows.columns, *extra], schema=fields_of(self.layout.columns))
            yield from blocks(evidence, part=part, content="evidence")
