"""What Spark's executors do with one part of persons: its windows, and all evidence but what is computed between people.

Every table comes and goes as blocks (:mod:`perfml.evidence.engines.spark_blocks`). Without Spark.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from perfml.arrays import Ints, Objects
from perfml.evidence.comparison import GROUPED_BY
from perfml.evidence.engines.duckdb import derived_columns, register_persons, relational_join
from perfml.evidence.engines.evidence_file import fields_of
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_between import compared
from perfml.evidence.engines.spark_blocks import Batches, PersonRanges, blocks, parted, tables_of_parts
from perfml.evidence.engines.spark_log import connect, numbers, parquet_files
from perfml.evidence.engines.spark_night import WINDOWS, windows_of
from perfml.evidence.log.cells import part_log
from perfml.evidence.population.membership import condition
from perfml.evidence.snapshots import make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.project.folder import RelationalFile, WindowedFile
from perfml.project.spec import Relation
from perfml.project.table_spec import TableSpec

KEYS = ["employee_id", "as_of"]
POSTS = [*KEYS, "department"]


def by(name: str) -> str:
    """The column with what people are compared by; a column of evidence may be called the same."""
    return f"by {name}"


def inside(evidence: str) -> str:
    """The column that says who belongs to the population of ``evidence``."""
    return f"inside {evidence}"


@dataclass(frozen=True, kw_only=True)
class SnapshotTask:
    """Finds who is employed at some as-of dates, computes their relational evidence, and sends both to the parts of persons."""

    files: Mapping[str, str]
    """Parquet files of the clean tables that this needs."""
    specs: Mapping[str, TableSpec]
    """Of the same tables."""
    as_ofs: tuple[tuple[dt.date, ...], ...]
    """Those of each task."""
    relational: tuple[RelationalFile, ...]
    populations: tuple[WindowedFile | RelationalFile, ...]
    ranges: PersonRanges

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of ``people``; ``batches``: the numbers of tasks."""
        for number in numbers(batches):
            with connect() as connection:
                rows = self._rows(connection, self.as_ofs[number])
            for part, own in parted(rows, self.ranges.parts(rows.column("employee_id"))):
                yield from blocks(own, part=part, content="people")

    def check(self) -> None:
        """Raise :class:`DefinitionError` for a feature file that does not run."""
        with connect() as connection:
            self._rows(connection, ())

    def _rows(self, connection: duckdb.DuckDBPyConnection, as_ofs: Sequence[dt.date]) -> pa.Table:
        """The people at ``as_ofs``; without dates nothing is read."""
        limit = "" if as_ofs else " limit 0"
        for table, path in self.files.items():
            connection.execute(f"create view {quoted(table)} as select * from {parquet_files((path,))}{limit}")
        make_snapshots(Data(source="", connection=connection, specs=dict(self.specs)), as_ofs)
        for file in self.relational:
            run_relational(connection, file)
        columns, joins = relational_join(self.relational)
        compared_by = [f"{name} as {quoted(by(name))}" for names in GROUPED_BY.values() for name in names]
        belongs = [
            f"{condition(file.spec.population.where, file=file.file)} as {quoted(inside(file.name))}"
            for file in self.populations
        ]
        people = f"select {', '.join([*POSTS, *compared_by, *belongs])} from people"
        select = ", ".join(["p.*", *columns])
        return connection.sql(f"select {select} from ({people}) p {joins}").to_arrow_table()


def answer_meetings(batches: Batches) -> Batches:
    """Yield, for each part that asked, the departments (blocks of ``met``) of those it asked this part for."""
    for _, tables in tables_of_parts(batches):
        if "asked" not in tables or "people" not in tables:
            continue
        asked = tables["asked"].group_by(["employee_id", "asking"]).aggregate([])
        posts = asked.join(tables["people"].select(POSTS), "employee_id", join_type="inner").combine_chunks()
        for part, own in parted(posts, posts.column("asking").to_numpy()):
            yield from blocks(own.select(POSTS), part=part, content="met")


@dataclass(frozen=True, kw_only=True)
class PartTask:
    """Computes the evidence of the persons of a part, and sends the values that people are compared in to their groups."""

    layout: Layout
    late: bool
    """As for :func:`~perfml.evidence.log.cells.part_log`."""
    no_events: pa.Table
    """The log without rows."""
    n_parts: int
    """Of the groups, too."""

    def __call__(self, batches: Batches) -> Batches:
        """Yield blocks of ``rows`` and of the values of each relation; ``batches``: blocks of ``people``, ``log``, ``met``."""
        for part, tables in tables_of_parts(batches):
            if "people" not in tables:  # rows of people who are employed at none of the dates
                continue
            people = tables["people"].sort_by([(key, "ascending") for key in KEYS]).combine_chunks()
            rows = self.rows(people, tables.get("log", self.no_events), tables.get("met"), windows=tables.get(WINDOWS))
            yield from blocks(rows, part=part, content="rows")
            yield from self._values(part, people, rows)

    def rows(
        self, people: pa.Table, events: pa.Table, met: pa.Table | None, *, windows: pa.Table | None = None
    ) -> pa.Table:
        """The evidence of ``people``, in their order.

        ``events``: the rows of the log that they did or were the counterpart of; ``met``: the departments of counterparts;
        ``windows``: their windowed columns, where they come from a kept log.
        """
        selection = self.layout.selection
        person, persons = pd.factorize(people.column("employee_id").to_numpy())
        as_of = self._position(people)
        arrays: dict[str, pa.Array] = {key: people.column(key).combine_chunks() for key in KEYS}
        if windows is None:
            arrays |= self._windows(people, persons, person, as_of, events=events, met=met)
        else:
            arrays |= windows_of(people, windows)
        arrays |= {name: _number(people.column(name)) for file in selection.relational for name in file.spec.columns}
        arrays = self._within_populations(arrays, people)
        with connect() as connection:
            for file in selection.derived:
                derived = derived_columns(connection, file, arrays)
                arrays |= self._within_populations(derived, people)
        return pa.Table.from_pydict(arrays, schema=fields_of(selection.columns))

    def _position(self, rows: pa.Table) -> Ints:
        """The as-of date of each row, as a position."""
        days = rows.column("as_of").cast(pa.int32()).to_numpy()
        positions: Ints = np.searchsorted(self.layout.grid.as_ofs, days)
        return positions

    def _windows(
        self, people: pa.Table, persons: Objects, person: Ints, as_of: Ints, *, events: pa.Table, met: pa.Table | None
    ) -> dict[str, pa.Array]:
        """The windowed columns."""
        layout, n = self.layout, len(persons)
        if not layout.plan.columns:
            return {}
        posts = people.select(POSTS)
        if met is not None:
            posts = pa.concat_tables([posts, met.select(POSTS)])
        number, persons = pd.factorize(posts.column("employee_id").to_numpy())
        departments = np.full((len(layout.grid.as_ofs), len(persons)), -1, np.int32)
        departments[self._position(posts), number] = pd.factorize(posts.column("department").to_numpy())[0]
        with connect() as connection, tempfile.TemporaryDirectory() as folder:
            connection.register("events", events)
            register_persons(connection, persons)
            log = part_log(
                connection,
                layout.plan,
                layout.grid,
                late=self.late,
                decimals=layout.decimals,
                folder=Path(folder),
                n_persons=n,
                size=n,
            )
            windows = layout.part_plan.columns(
                log.rows(0), low=0, n=n, departments=departments, exposure=layout.exposure(persons[:n])
            )
        return {name: pa.array(values[as_of, person], from_pandas=True) for name, values in windows.items()}

    def _within_populations(self, arrays: Mapping[str, pa.Array], people: pa.Table) -> dict[str, pa.Array]:
        """``arrays``, missing for people outside the population of a column's evidence."""
        outside = {
            file.name: ~people.column(inside(file.name)).to_numpy(zero_copy_only=False)
            for file in self.layout.populations
        }
        evidence = {c.name: c.evidence for c in self.layout.selection.columns}
        return {
            name: pa.array(array.to_numpy(zero_copy_only=False), mask=outside[of], from_pandas=True)
            if (of := evidence.get(name)) in outside
            else array
            for name, array in arrays.items()
        }

    def _values(self, part: int, people: pa.Table, rows: pa.Table) -> Batches:
        """Yield blocks of the values that people are compared in, for the group of each."""
        for relation, sources in compared(self.layout.selection.between).items():
            group = _groups(people, relation)
            table = rows.select(sources).append_column("group", group)
            table = table.append_column("part", pa.array(np.full(rows.num_rows, part, np.int32)))
            table = table.append_column("row", pa.array(np.arange(rows.num_rows, dtype=np.int32)))
            hashed = pd.util.hash_array(group.fill_null("").to_numpy(zero_copy_only=False))
            known = group.is_valid().to_numpy(zero_copy_only=False)
            to = np.where(known, (hashed % np.uint64(self.n_parts)).astype(np.int64), -1)
            for part_of_group, values in parted(table, to):
                yield from blocks(values, part=part_of_group, content=relation)


def _groups(people: pa.Table, relation: Relation) -> pa.Array:
    """As-of date and group of each row as one text; missing where the group is unknown."""
    columns = [people.column("as_of").cast(pa.int32()), *(people.column(by(name)) for name in GROUPED_BY[relation])]
    texts = [column.cast(pa.string()).combine_chunks() for column in columns]
    return pc.binary_join_element_wise(*texts, "|")


def _number(column: pa.ChunkedArray) -> pa.Array:
    """A column of relational evidence; not a number is missing."""
    return pa.array(column.to_numpy(), from_pandas=True)
