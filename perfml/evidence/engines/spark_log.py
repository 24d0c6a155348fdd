"""What Spark's executors do with the log: read a share of its files, type its rows, rank versions, send rows to their parts.

The SQL of the rules is DuckDB's own, run by DuckDB in the executor, over the files where they lie. Without Spark.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from perfml._version import __version__
from perfml.errors import PerfmlError
from perfml.evidence.engines.spark_blocks import Batches, PersonRanges, blocks, parted
from perfml.evidence.tables.loading import EVENT_CONTENT
from perfml.evidence.tables.reading import literal, quoted
from perfml.evidence.tables.versions import COPY_RULE, ranked_copies, versions

RAW = "raw_rows"
"""The relation that a task reads its rows from."""
KEY = ("event_id",)
BROKEN = "broken"
"""The column that says which rule a row breaks, as ``rule`` or ``rule:column``; null for a usable row."""
ROWS_AT_ONCE = 1_000_000
MEMORY = "1GB"
"""Of DuckDB in a task; what is more goes to disk."""
NOTHING = "false"
"""The condition of a share without rows."""


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of one task: Spark runs as many tasks beside each other as there are cores."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set threads = 1; set preserve_insertion_order = false")
    connection.execute(f"set memory_limit = '{MEMORY}'; set temp_directory = {literal(tempfile.gettempdir())}")
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    return connection


def parquet_files(paths: tuple[str, ...]) -> str:
    """SQL that reads Parquet files."""
    return f"read_parquet([{', '.join(map(literal, paths))}])"


@dataclass(frozen=True, kw_only=True)
class LogShares:
    """The log as tasks read it, each its share of the rows."""

    relation: str
    """SQL of all rows as they are stored."""
    shares: tuple[str, ...]
    """A condition on the rows of ``relation`` for each share."""
    typed: str
    """SQL over :data:`RAW`: the rows in their types, each with the first rule that it breaks."""
    hidden: tuple[str, ...]
    """Columns of ``typed`` that a clean row does not have."""
    repeated: tuple[str, ...] = ()
    """Parquet files of the ids that several rows have."""
    ranked: tuple[str, ...] = ()
    """Parquet files of the rows of these ids, ranked (:func:`rank_versions`)."""
    version: str = __version__
    """Of perfml on the driver."""

    @contextmanager
    def opened(self, share: int) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the views ``typed_log`` (all rows of a share as they lie) and ``events`` (its clean rows).

        A negative ``share`` has no rows. Raises :class:`PerfmlError` where an executor has another perfml.
        """
        if self.version != __version__:
            raise PerfmlError(
                f"has perfml {__version__}, and the driver {self.version}",
                where="an executor of Spark",
                remedy="install the same version on both",
            )
        condition = NOTHING if share < 0 else self.shares[share]
        hidden = ", ".join(map(quoted, self.hidden))
        single = f"select * exclude ({hidden}), null::date as superseded_day from typed_log where {BROKEN} is null"
        with connect() as connection:
            connection.execute(f"create view {RAW} as select * from {self.relation} raw where {condition}")
            if self.repeated:
                ids = f"select event_id from {parquet_files(self.repeated)}"
                connection.execute(f"create table repeated as {ids}")
                single += " and (event_id is null or event_id not in (select event_id from repeated))"
            if self.ranked:  # each share has some of their files
                files = self.ranked if share < 0 else self.ranked[share :: len(self.shares)]
                ranked = parquet_files(files or self.ranked) + ("" if files and share >= 0 else f" where {NOTHING}")
                connection.execute(f"create view ranked_log as select * from {ranked}")
                single += f" union all by name select * exclude ({hidden}) from ranked_log where {BROKEN} is null"
            connection.execute(f"create view typed_log as {self.typed}")
            connection.execute(f"create view events as {single}")
            yield connection


@dataclass(frozen=True, kw_only=True)
class ShareQuery:
    """Gives the rows of a SELECT over each share."""

    log: LogShares
    sql: str
    views: Mapping[str, str] = field(default_factory=dict)
    """Further views, each with the SQL of its rows."""

    def __call__(self, batches: Batches) -> Batches:
        """``batches``: the numbers of shares (``id``)."""
        for share in numbers(batches):
            with self.log.opened(share) as connection:
                yield from self._reader(connection)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that it gives."""
        with self.log.opened(-1) as connection:
            return self._reader(connection).schema

    def _reader(self, connection: duckdb.DuckDBPyConnection) -> pa.RecordBatchReader:
        for name, rows in self.views.items():
            connection.execute(f"create view {name} as {rows}")
        return connection.sql(self.sql).to_arrow_reader(ROWS_AT_ONCE)


def numbers(batches: Batches) -> Iterator[int]:
    """Yield the numbers that a task is given."""
    for batch in batches:
        yield from batch.column(0).to_pylist()


@dataclass(frozen=True, kw_only=True)
class LogParting:
    """Sends each row of the log to the part of the person who did it and, where ``met``, to that of the counterpart."""

    query: ShareQuery
    ranges: PersonRanges
    met: bool

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of ``log``."""
        for batch in self.query(batches):
            rows = pa.Table.from_batches([batch])
            parts = self.ranges.parts(rows.column("employee_id"))
            row = np.arange(rows.num_rows)
            if self.met:
                theirs = self.ranges.parts(rows.column("counterpart_id"))
                second = np.flatnonzero(theirs != parts)
                row, parts = np.append(row, second), np.append(parts, theirs[second])
            for part, own in parted(rows.take(pa.array(row)) if self.met else rows, parts):
                yield from blocks(own, part=part, content="log")


@dataclass(frozen=True, kw_only=True)
class LogMeetings:
    """Asks, for every part, for the counterparts whom its persons met and who belong to another part."""

    query: ShareQuery
    """The pairs ``employee_id`` and ``counterpart_id``."""
    ranges: PersonRanges

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of ``asked`` (``employee_id``, and the part that is ``asking``), for the part of who is asked for."""
        for batch in self.query(batches):
            ids = [batch.column("employee_id"), batch.column("counterpart_id")]
            own, theirs = (self.ranges.parts(pa.chunked_array([each])) for each in ids)
            apart = np.flatnonzero((own != theirs) & (own >= 0) & (theirs >= 0))
            asked = pa.concat_arrays([ids[1].take(pa.array(apart)), ids[0].take(pa.array(apart))])
            asking, of = np.append(own[apart], theirs[apart]), np.append(theirs[apart], own[apart])
            pairs = pa.table({"employee_id": asked, "asking": pa.array(asking, pa.int32())})
            for part, rows in parted(pairs, of):
                yield from blocks(rows.group_by(rows.column_names).aggregate([]), part=part, content="asked")


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
