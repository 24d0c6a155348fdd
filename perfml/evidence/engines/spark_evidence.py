"""The evidence of one run as Spark computes it: people and the log go to parts, values of parts to groups and back."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perfml.evidence.engines.duckdb import persons_of_batch
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_between import ComparisonTask, DatesTask, EvidenceParts, compared
from perfml.evidence.engines.spark_log import ROWS_AT_ONCE, LogParting, PersonsFile
from perfml.evidence.engines.spark_night import leave_windows
from perfml.evidence.engines.spark_part import PartTask, SnapshotTask
from perfml.evidence.kept_log import KeptLog
from perfml.evidence.log.windows import Plan
from perfml.evidence.tables.reading import literal
from perfml.evidence.tasks.exchange import Exchange
from perfml.progress import Progress

if TYPE_CHECKING:
    from perfml.evidence.engines.spark import SparkEngine


@dataclass(frozen=True)
class SparkEvidence:
    """One run. Needs the tables of :func:`~perfml.evidence.snapshots.make_snapshots` on this machine."""

    engine: SparkEngine
    layout: Layout
    folder: Path
    """What tasks leave for each other."""
    late: bool
    """Whether rows of the log may become known late, or be superseded."""
    kept_log: KeptLog | None
    """What gives the windowed columns; None where they are computed from the rows of the log."""

    def parts(self, progress: Progress) -> EvidenceParts:
        """All evidence, in parts of persons."""
        self.folder.mkdir(exist_ok=True)
        progress("windows", 0, 1)
        n, groups = self.persons.parts, self.engine.parallel
        relations = compared(self.layout.selection.between)
        values = {each: self._exchange(f"values_{each}", n, groups) for each in relations}
        between = {each: self._exchange(f"between_{each}", groups, n) for each in relations}
        people, log, windows, departments = self._people(), self._log(), None, self._departments()
        if self.kept_log is not None:
            windows = leave_windows(
                self.engine, self.kept_log, self.layout, persons=self.persons, departments=departments
            )
        task = PartTask(
            layout=self.layout,
            of_part=self.persons.of_part,
            people=people,
            departments=departments,
            log=log.parts if log else None,
            no_events=log.schema.empty_table() if log else pa.table({}),
            windows=windows,
            rows=self._exchange("rows", n, 1),
            values=values,
        )
        self.engine.run(task, n)
        for read in filter(None, (people, task.log, windows)):
            shutil.rmtree(read.folder)
        progress("comparison", 0, 1)
        if relations:
            self.engine.run(ComparisonTask(layout=self.layout, values=values, between=between), groups)
        for read in values.values():
            shutil.rmtree(read.folder)
        return EvidenceParts(layout=self.layout, rows=task.rows, between=between)

    def dates(self, progress: Progress, *, columns: Sequence[str]) -> Exchange:
        """The evidence, from each part of persons for each date: those of its ``columns`` that are named."""
        parts = self.parts(progress)
        as_ofs = self.layout.as_ofs
        task = DatesTask(
            parts=parts,
            columns=tuple(columns),
            as_ofs=tuple(as_ofs),
            dates=self._exchange("dates", len(parts), len(as_ofs)),
        )
        self.engine.run(task, len(parts))
        for read in (parts.rows, *parts.between.values()):
            shutil.rmtree(read.folder)
        return task.dates

    def _exchange(self, name: str, senders: int, receivers: int) -> Exchange:
        return Exchange(self.folder / name, senders, receivers)

    @cached_property
    def persons(self) -> PersonsFile:
        """The people of all dates in parts: as many as memory asks for, and at least one for each task that Spark runs."""
        execute, path = self.engine.data.connection.execute, self.folder / "persons.parquet"
        execute(
            "create or replace temp table persons as select employee_id,"
            " (row_number() over (order by employee_id) - 1)::integer as person from (select distinct employee_id from people)"
        )
        execute(f"copy persons to {literal(str(path))} (format parquet)")
        n: int = execute("select count(*) from persons").fetchall()[0][0]
        size = persons_of_batch(
            self.engine.data.rows_read.get("events", 0) if self._reads_log else 0,
            self.layout.plan if self._reads_log else Plan((), ()),
            self.layout.grid,
            n_persons=n,
            n_columns=len(self.layout.columns),
        )
        return PersonsFile(path=path, n=n, of_part=min(size, -(-n // self.engine.parallel)))

    @property
    def _reads_log(self) -> bool:
        """Whether windowed columns are computed from the rows of the log."""
        return bool(self.layout.plan.columns) and self.kept_log is None

    def _people(self) -> Exchange:
        """Let tasks find the people and their relational evidence."""
        data, engine, relational = self.engine.data, self.engine, self.layout.selection.relational
        tables = {"employees", "positions", "exits", *(name for file in relational for name in file.spec.needs)}
        specs = {name: spec for name, spec in data.specs.items() if name in tables}
        as_ofs = self.layout.as_ofs
        n_tasks = min(len(as_ofs), engine.parallel)
        task = SnapshotTask(
            files={name: engine.lent(name) for name in specs},
            specs=specs,
            as_ofs=tuple(as_ofs[first::n_tasks] for first in range(n_tasks)),
            relational=relational,
            populations=self.layout.populations,
            persons=self.persons,
            people=self._exchange("people", n_tasks, self.persons.parts),
        )
        task.check()
        engine.run(task, n_tasks)
        return task.people

    def _log(self) -> LogParting | None:
        """Let tasks bring the rows of the log to their parts; None where none are counted."""
        if not self._reads_log:
            return None
        log = self.engine.log
        n = len(log.shares)
        parts = self._exchange("log", n, self.persons.parts)
        task = LogParting(log=log, persons=self.persons, layout=self.layout, late=self.late, parts=parts)
        self.engine.run(task, n)
        return task

    def _departments(self) -> Path:
        """A file with the department of everyone at every date, as a code."""
        path = self.folder / "departments.npy"
        as_ofs = self.layout.grid.as_ofs
        codes = np.lib.format.open_memmap(path, "w+", np.int32, (len(as_ofs), self.persons.n))
        codes[:] = -1
        known = self.engine.data.connection.sql(
            "select p.as_of, n.person, d.code from people p join persons n using (employee_id) join ("
            "select department, (row_number() over () - 1)::integer as code from people group by department) d using (department)"
        )
        for batch in known.to_arrow_reader(ROWS_AT_ONCE):
            as_of = np.searchsorted(as_ofs, batch.column("as_of").cast(pa.int32()).to_numpy())
            codes[as_of, batch.column("person").to_numpy()] = batch.column("code").to_numpy()
        codes.flush()
        return path
