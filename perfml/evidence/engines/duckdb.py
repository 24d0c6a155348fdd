"""DuckDB on this machine: the people of a run in batches, each with its windows and its relational evidence.

Memory stays bounded: persons are computed in batches, each written as soon as it is computed; only the columns that are
compared between people are held for everyone.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.evidence.comparison import groups_of
from perfml.evidence.engines.evidence_file import fields_of, parquet_writer
from perfml.evidence.engines.layout import Layout, lay_out
from perfml.evidence.log.cells import EventLog, can_be_late, part_log
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.grid import Grid, epoch_days
from perfml.evidence.log.pairs import Departments
from perfml.evidence.log.windows import Plan
from perfml.evidence.nightly.sums import NightColumns, columns_here
from perfml.evidence.population.membership import belongs
from perfml.evidence.snapshots import evidence_table, make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted, unreadable
from perfml.files import atomic_write
from perfml.progress import Progress
from perfml.project.folder import Definitions, RelationalFile

BATCH_BYTES = 120_000_000
"""Memory of one batch of persons, roughly: small enough for the allocator to reuse the same memory for every batch."""
BYTES_OF_ROW = 80
"""Memory of one row of the log while its batch is computed."""
MOST_BATCHES = 200
"""Each batch is an open file while the log is read."""
ROWS_OF_GROUP = 100_000
"""Rows of a row group of the Parquet file, at least."""


class DuckDBEngine:
    """Computes evidence in this process."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def make_snapshots(self, as_ofs: Sequence[dt.date]) -> None:
        """See :func:`~perfml.evidence.snapshots.make_snapshots`."""
        make_snapshots(self.data, as_ofs)

    def write(
        self,
        definitions: Definitions,
        as_ofs: Sequence[dt.date],
        out: Path,
        *,
        kinds: Sequence[str] | None,
        estimate: bool,
        progress: Progress,
    ) -> int:
        """See :func:`perfml.evidence.features.write`."""
        with tempfile.TemporaryDirectory(dir=out.parent) as name:
            folder = Path(name)
            try:
                job = prepare(
                    self.data,
                    definitions,
                    as_ofs,
                    kinds=kinds,
                    folder=folder,
                    progress=progress,
                    estimate=estimate,
                )
            except duckdb.Error as error:  # the log is read from its own file, so damage in it may show only now
                raise unreadable(self.data.source, error) from None
            spool = folder / "batches.arrow"
            between = between_people(job, _spool(job, spool, progress))
            _finish(job, spool, between, out=out, progress=progress)
        return len(job.people.rows)


@dataclass(frozen=True, kw_only=True)
class _People:
    """Who is employed at which as-of date, in the order of the temp table ``people``."""

    frame: pd.DataFrame
    persons: Objects
    """Distinct employee ids; a person is an index into them."""
    rows: Ints
    """Flat index person × as-of date of each row of ``frame``."""
    departments: Departments
    """(as-of dates, persons) codes, −1 where unknown."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run: for whom, and which columns."""

    data: Data
    layout: Layout
    people: _People
    log: EventLog | None
    nightly: NightColumns | None
    """The windowed columns, where they come from a kept log."""
    batch_size: int
    """Persons of a batch."""
    outside: Mapping[str, Bools]
    """Evidence with a population -> the rows of ``people`` that do not belong to it; their values are missing."""
    exposure: Exposure | None
    """The missing days of the log; None where none is missing."""


def prepare(
    data: Data,
    definitions: Definitions,
    as_ofs: Sequence[dt.date],
    *,
    kinds: Sequence[str] | None,
    folder: Path,
    progress: Progress,
    estimate: bool = False,
) -> Job:
    """Run the relational evidence, read the log once into parts in ``folder``, and determine the columns.

    ``estimate``: estimate evidence over missing days of the log instead of leaving it out. Raises :class:`DataError` when
    nobody was employed at any of ``as_ofs``.
    """
    progress("people", 0, 1)
    make_snapshots(data, as_ofs)
    layout = lay_out(data, definitions, as_ofs, kinds=kinds, estimate=estimate)
    people = _people(data, as_ofs)
    relational = layout.selection.relational
    for number, file in enumerate(relational):
        progress(f"evidence {file.name}", number, len(relational))
        run_relational(data.connection, file)
    if relational:
        _join_relational(data, relational)
    n_persons = len(people.persons)
    size = persons_of_batch(
        data.rows_read.get("events", 0),
        layout.plan,
        layout.grid,
        n_persons=n_persons,
        n_columns=len(layout.columns),
    )
    batch_size = max(size, -(-n_persons // MOST_BATCHES))
    log, nightly, kept_log = None, None, data.whole_kept_log
    exposure = layout.exposure(people.persons)
    if layout.plan.columns and kept_log is not None and kept_log.serves(as_ofs):
        progress("what is new of the log", 0, 1)
        nightly = kept_log.at(
            layout.plan,
            layout.grid,
            persons=people.persons,
            departments=people.departments,
            exposure=exposure,
            decimals=layout.decimals,
            compute=partial(columns_here, folder=folder, progress=progress),
        )
    elif layout.plan.columns:
        progress("one pass over the log", 0, 1)
        register_persons(data.connection, people.persons)
        log = part_log(
            data.connection,
            layout.plan,
            layout.grid,
            late=can_be_late(data),
            decimals=layout.decimals,
            folder=folder,
            n_persons=n_persons,
            size=batch_size,
        )
    return Job(
        data=data,
        layout=layout,
        people=people,
        log=log,
        nightly=nightly,
        batch_size=batch_size,
        outside={file.name: ~belongs(data, file.spec.population.where, file=file.file) for file in layout.populations},
        exposure=exposure,
    )


def _people(data: Data, as_ofs: Sequence[dt.date]) -> _People:
    frame = data.connection.execute("select * from people order by employee_id, as_of").df()
    person, persons = pd.factorize(frame["employee_id"].to_numpy(dtype=object))
    when = np.searchsorted(epoch_days(as_ofs), frame["as_of"].to_numpy().astype("M8[D]").astype(np.int64))
    departments = np.full((len(as_ofs), len(persons)), -1, np.int32)
    departments[when, person] = pd.factorize(frame["department"])[0].astype(np.int32)
    return _People(frame=frame, persons=persons, rows=person * len(as_ofs) + when, departments=departments)


def register_persons(connection: duckdb.DuckDBPyConnection, persons: Objects) -> None:
    """Make the temp table ``persons`` (employee_id, person)."""
    numbers = np.arange(len(persons), dtype=np.int32)
    arrays = pa.table({"employee_id": pa.array(persons, pa.string()), "person": numbers})
    connection.register("person_arrays", arrays)
    connection.execute("create or replace temp table persons as select * from person_arrays")
    connection.unregister("person_arrays")


def batches(job: Job, progress: Progress) -> Iterator[pa.RecordBatch]:
    """Yield batches of persons with all columns but those computed between people."""
    people, layout, selection = job.people, job.layout, job.layout.selection
    part_plan = layout.part_plan
    n_as_ofs, n_persons, size = len(layout.grid.as_ofs), len(people.persons), job.batch_size
    ids = pa.array(people.frame["employee_id"].to_numpy(dtype=object), pa.string())
    days = pa.array(people.frame["as_of"].to_numpy().astype("M8[D]"), pa.date32())
    for part, low in enumerate(range(0, n_persons, size)):
        n = min(size, n_persons - low)
        progress("windows", low, n_persons)
        first, last = np.searchsorted(people.rows, [low * n_as_ofs, (low + n) * n_as_ofs])
        person, as_of = np.divmod(people.rows[first:last] - low * n_as_ofs, n_as_ofs)
        cell = as_of * n + person
        windows: dict[str, Floats] = {} if job.nightly is None else job.nightly.columns(low, n)
        if job.log is not None:
            exposure = job.exposure and job.exposure.of_persons(low, n)
            windows = part_plan.columns(
                job.log.rows(part), low=low, n=n, departments=people.departments, exposure=exposure
            )
        arrays: dict[str, pa.Array] = {
            "employee_id": ids.slice(first, last - first),
            "as_of": days.slice(first, last - first),
        }
        for name in [c.column.name for c in layout.plan.columns]:
            arrays[name] = pa.array(windows.pop(name).ravel()[cell], from_pandas=True)
        if selection.relational:
            arrays |= _relational_batch(job.data, int(first), int(last))
        arrays = _within_populations(job, arrays, int(first), int(last))
        for file in selection.derived:
            arrays |= _within_populations(
                job, derived_columns(job.data.connection, file, arrays), int(first), int(last)
            )
        yield pa.RecordBatch.from_pydict(arrays)
        progress("windows", low + n, n_persons)


def _within_populations(job: Job, arrays: Mapping[str, pa.Array], first: int, last: int) -> dict[str, pa.Array]:
    """``arrays`` of the rows from ``first`` to ``last`` of ``people``, missing for people outside the population of a column's
    evidence."""
    masks = {
        c.name: job.outside[c.evidence][first:last] for c in job.layout.selection.columns if c.evidence in job.outside
    }
    return {
        name: pa.array(array.to_numpy(zero_copy_only=False), mask=masks[name], from_pandas=True)
        if name in masks
        else array
        for name, array in arrays.items()
    }


def persons_of_batch(n_rows: int, plan: Plan, grid: Grid, *, n_persons: int, n_columns: int) -> int:
    """Persons of a batch: as many as :data:`BATCH_BYTES` has memory for, with their part of the log's ``n_rows``, cubes and
    columns."""
    rows = BYTES_OF_ROW * n_rows // n_persons
    cubes = 2 * plan.n_channels * (2 * len(grid.edges) + len(grid.as_ofs))
    return max(1, BATCH_BYTES // (rows + 8 * cubes + 2 * 8 * len(grid.as_ofs) * n_columns))


def relational_join(relational: Sequence[RelationalFile]) -> tuple[list[str], str]:
    """SQL of the columns of ``relational``, and of the joins that put them beside ``people``."""
    columns, joins = [], []
    for number, file in enumerate(relational):
        columns += [f"r{number}.{quoted(column)}::double as {quoted(column)}" for column in file.spec.columns]
        joins.append(f"left join {evidence_table(file.name)} r{number} using (employee_id, as_of)")
    return columns, " ".join(joins)


def _join_relational(data: Data, relational: Sequence[RelationalFile]) -> None:
    """Make the temp table ``relational``: one row for each row of ``people``, numbered in their order."""
    columns, joins = relational_join(relational)
    data.connection.execute(
        f"create or replace temp table relational as select row_number() over (order by employee_id, as_of) - 1 as _row,"
        f" {', '.join(columns)} from people {joins} order by _row"
    )


def _relational_batch(data: Data, first: int, last: int) -> dict[str, pa.Array]:
    query = f"select * exclude (_row) from relational where _row >= {first} and _row < {last} order by _row"
    table = data.connection.sql(query).to_arrow_table()
    assert table.num_rows == last - first
    return {column: table.column(column).combine_chunks() for column in table.column_names}


def derived_columns(
    connection: duckdb.DuckDBPyConnection, file: RelationalFile, arrays: Mapping[str, pa.Array]
) -> dict[str, pa.Array]:
    """The columns of a file that reads other columns (``arrays``) of a batch of persons, in their order."""
    given = {name: arrays[name] for name in ("employee_id", "as_of", *file.spec.reads)}
    given["_row"] = pa.array(np.arange(len(given["as_of"])))
    connection.register("evidence", pa.table(given))
    run_relational(connection, file)
    columns = ", ".join(f"r.{quoted(column)}::double as {quoted(column)}" for column in file.spec.columns)
    table = connection.sql(
        f"select {columns} from evidence left join {evidence_table(file.name)} r using (employee_id, as_of) order by _row"
    ).to_arrow_table()
    connection.unregister("evidence")
    return {column: table.column(column).combine_chunks() for column in table.column_names}


def between_people(job: Job, values: Mapping[str, Floats]) -> list[Floats]:
    """The columns computed between people, in their order; ``values``: their source columns → the values of everyone."""
    groups = groups_of(job.people.frame)
    return [
        each.values(values[each.source.name], groups, decimals=job.layout.decimals)
        for each in job.layout.selection.between
    ]


def _spool(job: Job, spool: Path, progress: Progress) -> dict[str, Floats]:
    """Write all columns but those computed between people to ``spool``; return the values that these are computed from."""
    between = job.layout.selection.between
    values: dict[str, list[Floats]] = {each.source.name: [] for each in between}
    with pa.OSFile(str(spool), "wb") as sink, pa.ipc.new_file(sink, fields_of(job.layout.selection.columns)) as writer:
        for batch in batches(job, progress):
            for name, parts in values.items():
                parts.append(batch.column(name).to_numpy(zero_copy_only=False))
            writer.write_batch(batch)
    return {name: np.concatenate(parts) for name, parts in values.items()}


def _finish(job: Job, spool: Path, between: list[Floats], *, out: Path, progress: Progress) -> None:
    """Write ``out`` from ``spool`` and the columns computed ``between`` people."""
    with atomic_write(out) as path, pa.OSFile(str(spool)) as source, parquet_writer(path, job.layout) as parquet:
        reader, low = pa.ipc.open_file(source), 0
        n = reader.num_record_batches
        step = ROWS_OF_GROUP // reader.get_batch(0).num_rows + 1
        for first in range(0, n, step):
            part = pa.Table.from_batches([reader.get_batch(number) for number in range(first, min(first + step, n))])
            extra = [pa.array(column[low : low + part.num_rows], from_pandas=True) for column in between]
            parquet.write_table(pa.Table.from_arrays([*part.columns, *extra], schema=parquet.schema))
            low += part.num_rows
            progress("writing", min(first + step, n), n)
