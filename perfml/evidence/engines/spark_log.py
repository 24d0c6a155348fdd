"""What Spark's executors do with the log, on Arrow tables: type rows, rank versions, compute a part. Without Spark.

The SQL of the rules and of the pass over the log is DuckDB's own, run by DuckDB in the executor; what is known of the log as a
whole (which ids are repeated, whose rows stand together) Spark brings together before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from perfml._version import __version__
from perfml.arrays import Bools, Objects
from perfml.errors import PerfmlError
from perfml.evidence.engines.duckdb import register_persons
from perfml.evidence.engines.evidence_file import fields_of
from perfml.evidence.engines.layout import LostKinds, exposure_of
from perfml.evidence.log.cells import part_log
from perfml.evidence.log.pairs import Departments
from perfml.evidence.log.part import PartPlan
from perfml.evidence.tables.loading import EVENT_CONTENT
from perfml.evidence.tables.versions import COPY_RULE, ranked_copies, versions

RAW = "raw_rows"
"""The relation that a task reads its rows from."""
KEY = ("event_id",)
BROKEN = "broken"
"""The column that says which rule a row breaks, as ``rule`` or ``rule:column``; null for a usable row."""


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of one task: Spark runs as many tasks beside each other as there are cores."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set threads = 1; set preserve_insertion_order = false")
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    return connection


@dataclass(frozen=True, kw_only=True)
class RowTyping:
    """Reads every row in its types and names the first rule that it breaks."""

    sql: str
    """Over the relation :data:`RAW`."""
    version: str = __version__
    """Of perfml on the driver."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the typed rows of ``batches``. Raises :class:`PerfmlError` where an executor has another perfml."""
        if self.version != __version__:
            raise PerfmlError(
                f"has perfml {__version__}, and the driver {self.version}",
                where="an executor of Spark",
                remedy="install the same version on both",
            )
        with connect() as connection:
            for batch in batches:
                yield from self.typed(connection, pa.Table.from_batches([batch])).to_batches()

    def typed(self, connection: duckdb.DuckDBPyConnection, raw: pa.Table) -> pa.Table:
        """The typed rows of ``raw``."""
        connection.register(RAW, raw)
        return connection.sql(self.sql).to_arrow_table()


@dataclass(frozen=True, kw_only=True)
class BatchQuery:
    """A question about the log that is answered batch by batch."""

    sql: str
    """Over ``events``."""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the answer about each of ``batches``."""
        for batch in batches:
            yield from self.of(pa.Table.from_batches([batch])).to_batches()

    def of(self, events: pa.Table) -> pa.Table:
        """The answer about ``events``."""
        with connect() as connection:
            connection.register("events", events)
            return connection.sql(self.sql).to_arrow_table()


def rank_versions(rows: pa.Table) -> pa.Table:
    """Typed ``rows`` of repeated ids, all rows of each id, with ``superseded_day``; of copies all but one are :data:`BROKEN`."""
    with connect() as connection:
        connection.register(RAW, rows)
        ranked = ranked_copies(f"select * exclude ({BROKEN}) from {RAW}", KEY, content=EVENT_CONTENT)
        connection.execute(f"create temp table ranked_events as {ranked}")
        return connection.sql(
            f"select *, null::text as {BROKEN} from ({versions('ranked_events', KEY)}) union all by name"
            f" select t.* exclude (first_day, low, high, nth, copy), {COPY_RULE} as {BROKEN}"
            " from ranked_events t where t.copy > 0"
        ).to_arrow_table()


@dataclass(frozen=True, kw_only=True)
class PartTask:
    """Computes the windowed columns of the persons of one part."""

    plan: PartPlan
    late: bool
    """As for :func:`~perfml.evidence.log.cells.part_log`."""
    lost: tuple[LostKinds, ...]
    estimate: bool

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that it gives."""
        return fields_of([column.column for column in self.plan.plan.columns])

    def __call__(self, events: pa.Table, people: pa.Table) -> pa.Table:
        """The evidence of the part's own people at the as-of dates at which they are employed.

        ``events``: the rows that they did or were the counterpart of; ``people``: ``employee_id``, ``department``, the as-of
        dates at which the person was in it (``positions``), and whether it is one of the part or a counterpart (``own``).
        """
        if not people.num_rows:
            return self.schema.empty_table()
        persons, n, departments, employed = self._people(people)
        n_as_ofs = len(self.plan.grid.as_ofs)
        with connect() as connection, tempfile.TemporaryDirectory() as folder:
            connection.register("events", events)
            register_persons(connection, persons)
            log = part_log(
                connection,
                self.plan.plan,
                self.plan.grid,
                late=self.late,
                decimals=self.plan.decimals,
                folder=Path(folder),
                n_persons=n,
                size=n,
            )
            exposure = exposure_of(self.plan.plan, self.plan.grid, self.lost, persons[:n], estimate=self.estimate)
            windows = self.plan.columns(log.rows(0), low=0, n=n, departments=departments, exposure=exposure)
        person, as_of = np.divmod(np.flatnonzero(employed), n_as_ofs)
        arrays = [
            pa.array(persons[person], pa.string()),
            pa.array(self.plan.grid.as_ofs[as_of].astype(np.int32)).cast(pa.date32()),
            *(pa.array(values[as_of, person], from_pandas=True) for values in windows.values()),
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _people(self, people: pa.Table) -> tuple[Objects, int, Departments, Bools]:
        """The persons of the part and then their counterparts, how many are its own, the departments of all, and whether each of
        its own persons is employed at each as-of date (flat)."""
        frame = people.to_pandas()
        frame = frame.sort_values(["own", "employee_id"], ascending=[False, True], kind="stable")
        number, persons = pd.factorize(frame["employee_id"].to_numpy(dtype=object))
        n = len(np.unique(number[frame["own"].to_numpy(bool)]))
        lengths = frame["positions"].map(len).to_numpy()
        person, as_of = np.repeat(number, lengths), np.concatenate(frame["positions"].to_list()).astype(np.intp)
        n_as_ofs = len(self.plan.grid.as_ofs)
        departments = np.full((n_as_ofs, len(persons)), -1, np.int32)
        departments[as_of, person] = np.repeat(pd.factorize(frame["department"])[0], lengths)
        employed = np.zeros((n, n_as_ofs), bool)
        own = person < n
        employed[person[own], as_of[own]] = True
        return persons, n, departments, employed.ravel()
