"""What Spark's executors do with the log: read a share of its files, type its rows, rank versions, leave rows for their parts.

The SQL of the rules is DuckDB's own, run by DuckDB in the executor, over the files where they lie. Without Spark.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa

from perfml._version import __version__
from perfml.errors import PerfmlError
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_tasks import Batches, numbers
from perfml.evidence.log.cells import PartedRows, parted_log
from perfml.evidence.tables.cells import FILE, ROW
from perfml.evidence.tables.loading import EVENT_CONTENT
from perfml.evidence.tables.reading import RawTable, literal, quoted
from perfml.evidence.tables.versions import COPY_RULE, ranked_copies, versions
from perfml.evidence.tasks.exchange import Exchange
from perfml.evidence.tasks.runner import connect

RAW = "raw_rows"
"""The relation that a task reads its rows from."""
KEY = ("event_id",)
BROKEN = "broken"
"""The column that says which rule a row breaks, as ``rule`` or ``rule:column``; null for a usable row."""
ROWS_AT_ONCE = 1_000_000
ROWS_OF_SHARE = 1_000_000
"""Rows of the log that a task reads, at least those of one row group."""
NOTHING = "false"
"""The condition of a share without rows."""


def parquet_files(paths: tuple[str, ...]) -> str:
    """SQL that reads Parquet files."""
    return f"read_parquet([{', '.join(map(literal, paths))}])"


@dataclass(frozen=True, kw_only=True)
class PersonsFile:
    """The people of a run in a Parquet file, numbered in the order of their ids (``employee_id``, ``person``); some of them in
    each part."""

    path: Path
    n: int
    of_part: int
    """Persons of a part."""

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-self.n // self.of_part)


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
    unseen: str = NOTHING
    """A condition on a row ``e`` of ``events`` that is hidden for a while."""
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
            connection.execute(
                f"create view events as select * from ({single}) e where not coalesce({self.unseen}, false)"
            )
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
            with self.opened(share) as connection:
                yield from connection.sql(self.sql).to_arrow_reader(ROWS_AT_ONCE)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that it gives."""
        with self.opened(-1) as connection:
            return connection.sql(self.sql).to_arrow_reader(ROWS_AT_ONCE).schema

    @contextmanager
    def opened(self, share: int) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in which ``sql`` gives the rows of a share."""
        with self.log.opened(share) as connection:
            for name, rows in self.views.items():
                connection.execute(f"create view {name} as {rows}")
            yield connection


@dataclass(frozen=True)
class StoredShares:
    """Writes the rows that a query gives of each share into a Parquet file."""

    query: ShareQuery
    folder: Path

    def __call__(self, share: int) -> None:
        """Write those of ``share``, in place of what was written before."""
        unfinished = self.folder / f"{share}.{uuid4().hex}"
        with self.query.opened(share) as connection:
            connection.execute(f"copy ({self.query.sql}) to {literal(str(unfinished))} (format parquet)")
        os.replace(unfinished, self.folder / f"{share}.parquet")


@dataclass(frozen=True, kw_only=True)
class LogParting:
    """Leaves the rows of each share for the parts of the people they concern, as numbers."""

    log: LogShares
    persons: PersonsFile
    layout: Layout
    late: bool
    """As for :func:`~perfml.evidence.log.cells.parted_log`."""
    parts: Exchange

    def __call__(self, share: int) -> None:
        """Leave the rows of ``share``."""
        with self._rows(share) as (_, rows):
            self.parts.write(share, rows)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows. Raises :class:`DefinitionError` for a condition that does not run."""
        with self._rows(-1) as (schema, _):
            return schema

    @contextmanager
    def _rows(self, share: int) -> Iterator[tuple[pa.Schema, PartedRows]]:
        with self.log.opened(share) as connection:
            connection.execute(f"create temp table persons as from {parquet_files((str(self.persons.path),))}")
            yield parted_log(
                connection,
                self.layout.plan,
                self.layout.grid,
                late=self.late,
                decimals=self.layout.decimals,
                n_persons=self.persons.n,
                size=self.persons.of_part,
            )


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


def shares(connection: duckdb.DuckDBPyConnection, raw: RawTable, *, at_least: int) -> tuple[str, ...]:
    """Conditions that divide the rows of ``raw``, in Parquet files, into shares of about :data:`ROWS_OF_SHARE`, and into
    ``at_least`` so many where there are as many files: whole small files, and stretches of row groups of large ones."""
    dataset = raw.dataset
    if dataset is None:
        names, number = {raw.parquet or "": ""}, "file_row_number + 1"
    else:
        names, number = {f"{dataset.root}/{name}": name for name in dataset.names}, f"raw.{quoted(ROW)}"
    groups = connection.execute(
        "select file_name, row_group_num_rows from parquet_metadata(?) group by file_name, row_group_id, row_group_num_rows"
        " order by file_name, row_group_id",
        [list(map(glob.escape, names))],
    ).fetchall()
    files = {path: [int(n) for _, n in rows] for path, rows in groupby(groups, key=lambda group: str(group[0]))}
    most = max(1, min(ROWS_OF_SHARE, -(-sum(map(sum, files.values())) // at_least)))
    conditions, small, rows_of_small = list[str](), list[str](), 0
    for path, sizes in files.items():
        if dataset is not None and sum(sizes) <= most:
            if rows_of_small + sum(sizes) > most:
                conditions.append(_in_files(small))
                small, rows_of_small = [], 0
            small.append(names[path])
            rows_of_small += sum(sizes)
            continue
        of_file = "" if dataset is None else f"{_in_files([names[path]])} and "
        low = high = 0
        for size in [*sizes, most + 1]:
            if high > low and high + size - low > most:
                conditions.append(f"{of_file}{number} between {low + 1} and {high}")
                low = high
            high += size
    return (*conditions, *([_in_files(small)] if small else [])) or (NOTHING,)


def _in_files(names: Sequence[str]) -> str:
    return f"raw.{quoted(FILE)} in ({', '.join(map(literal, names))})"
