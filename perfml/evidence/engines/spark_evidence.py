"""The evidence of one run as Spark computes it: people and the log go to parts, values of parts to groups and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from perfml.evidence.engines.duckdb import persons_of_batch
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_between import ComparisonTask, Completion
from perfml.evidence.engines.spark_blocks import BLOCK_TYPES, PersonRanges
from perfml.evidence.engines.spark_log import LogMeetings, LogParting, ShareQuery
from perfml.evidence.engines.spark_night import window_blocks
from perfml.evidence.engines.spark_part import PartTask, SnapshotTask, answer_meetings
from perfml.evidence.kept_log import KeptLog
from perfml.progress import Progress
from perfml.project.folder import RelationalFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from perfml.evidence.engines.spark import BlockTask, SparkEngine

FACTS: Final = ("employee_id", "happened_at", "happened_day", "kind", "value", "counterpart_id", "source")
"""Columns of an event that a part is computed from, beside the days on which it counts."""


@dataclass(frozen=True)
class SparkEvidence:
    """One run."""

    engine: SparkEngine
    layout: Layout
    late: bool
    """Whether rows of the log may become known late, or be superseded."""
    kept_log: KeptLog | None
    """What gives the windowed columns; None where they are computed from the rows of the log."""

    def blocks(self, progress: Progress) -> DataFrame:
        """All evidence, as blocks of ``evidence``: a part of persons in each partition, in the order of their ids."""
        progress("windows", 0, 1)
        people = self._people_task(self.layout.selection.relational)
        people.check()
        given = self._people_blocks(people)
        if self.kept_log is not None:
            given = given.union(window_blocks(self.engine, self.kept_log, self.layout, self.ranges))
        elif self.layout.plan.columns:
            given = given.union(self._log_blocks())
            if self._across:
                given = given.union(self._met_blocks())
        rows = self.engine.stored(self._each_part(given, self._part_task()), "rows")
        progress("comparison", 0, 1)
        between = self.layout.selection.between
        if between:
            task = ComparisonTask(between=between, decimals=self.layout.decimals)
            rows = rows.where("content = 'rows'").union(self._each_part(rows.where("content <> 'rows'"), task))
        return self._each_part(rows, Completion(self.layout))

    @cached_property
    def ranges(self) -> PersonRanges:
        """The parts of persons: as many as memory asks for, and at least one for each task that Spark runs after an exchange."""
        data = self.engine.data
        execute = data.connection.execute
        n: int = execute("select count(distinct employee_id) from employees").fetchall()[0][0]
        size = persons_of_batch(
            data.rows_read.get("events", 0),
            self.layout.plan,
            self.layout.grid,
            n_persons=n,
            n_columns=len(self.layout.columns),
        )
        size = min(size, -(-n // self.engine.parallel))
        starts = execute(
            "select employee_id from (select employee_id, row_number() over (order by employee_id) - 1 as number"
            " from (select distinct employee_id from employees))"
            f" where number > 0 and number % {size} = 0 order by employee_id"
        )
        return PersonRanges(tuple(str(row[0]) for row in starts.fetchall()))

    def _each_part(self, blocks: DataFrame, task: BlockTask) -> DataFrame:
        """The blocks that ``task`` makes of the blocks of each part."""
        return blocks.repartitionById(len(self.ranges), "part").mapInArrow(task, BLOCK_TYPES)

    def _part_task(self) -> PartTask:
        reads_log = self.layout.plan.columns and self.kept_log is None
        no_events = self._facts().schema.empty_table() if reads_log else pa.table({})
        return PartTask(layout=self.layout, late=self.late, no_events=no_events, n_parts=len(self.ranges))

    def _people_task(self, relational: tuple[RelationalFile, ...]) -> SnapshotTask:
        data, engine = self.engine.data, self.engine
        tables = {"employees", "positions", "exits", *(name for file in relational for name in file.spec.needs)}
        specs = {name: spec for name, spec in data.specs.items() if name in tables}
        as_ofs = self.layout.as_ofs
        n_tasks = min(len(as_ofs), engine.parallel)
        return SnapshotTask(
            files={name: engine.lent(name) for name in specs},
            specs=specs,
            as_ofs=tuple(as_ofs[first::n_tasks] for first in range(n_tasks)),
            relational=relational,
            populations=self.layout.populations,
            ranges=self.ranges,
        )

    def _people_blocks(self, task: SnapshotTask) -> DataFrame:
        n = len(task.as_ofs)
        return self.engine.session.range(0, n, 1, n).mapInArrow(task, BLOCK_TYPES)

    @property
    def _met(self) -> bool:
        """Whether the log is read from the side of the counterpart too."""
        return self.layout.plan.counts_received or bool(self.layout.plan.pair_columns)

    @property
    def _across(self) -> bool:
        """Whether departments of counterparts are compared."""
        return any(column.measure == "cross_department_share" for column in self.layout.plan.pair_columns)

    def _usable(self, columns: Sequence[str]) -> ShareQuery:
        last = np.datetime64(int(self.layout.grid.as_ofs[-1]), "D")
        return ShareQuery(
            log=self.engine.log, sql=f"select {', '.join(columns)} from events where usable_day < date '{last}'"
        )

    def _facts(self) -> ShareQuery:
        """The rows of the log that a part is computed from."""
        plan = self.layout.plan
        facts = [name for name in FACTS if self._met or name != "counterpart_id" or plan.conditions]
        return self._usable([*facts, "usable_day", *(["superseded_day"] if self.late else [])])

    def _log_blocks(self) -> DataFrame:
        query = self._facts()
        return self.engine.each_share(query, LogParting(query=query, ranges=self.ranges, met=self._met))

    def _met_blocks(self) -> DataFrame:
        """The departments of counterparts who belong to another part: each part asks theirs."""
        pairs = self._usable(["distinct employee_id", "counterpart_id"])
        asked = self.engine.each_share(pairs, LogMeetings(query=pairs, ranges=self.ranges))
        return self._each_part(asked.union(self._people_blocks(self._people_task(()))), answer_meetings)
