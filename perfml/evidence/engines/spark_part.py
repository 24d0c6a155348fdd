"""What Spark's executors do with one part of persons: its windows, and all evidence but what is computed between people.

Every table comes and goes through files (:mod:`perfml.evidence.tasks.exchange`). Without Spark.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from perfml.arrays import Ints
from perfml.evidence.comparison import GROUPED_BY
from perfml.evidence.engines.duckdb import derived_columns, relational_join
from perfml.evidence.engines.evidence_file import fields_of
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_between import GROUP, ROW, compared
from perfml.evidence.engines.spark_log import PersonsFile, parquet_files
from perfml.evidence.log.cells import arrays_of
from perfml.evidence.population.membership import condition
from perfml.evidence.snapshots import make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.evidence.tasks.exchange import Exchange, parted
from perfml.evidence.tasks.runner import connect
from perfml.project.folder import RelationalFile, WindowedFile
from perfml.project.spec import Relation
from perfml.project.table_spec import TableSpec

KEYS = ["employee_id", "as_of"]


def by(name: str) -> str:
    """The column with what people are compared by; a column of evidence may be called the same."""
    return f"by {name}"


def inside(evidence: str) -> str:
    """The column that says who belongs to the population of ``evidence``."""
    return f"inside {evidence}"


@dataclass(frozen=True, kw_only=True)
class SnapshotTask:
    """Finds who is employed at some as-of dates, computes their relational evidence, and leaves both for the parts of persons."""

    files: Mapping[str, str]
    """Parquet files of the clean tables that this needs."""
    specs: Mapping[str, TableSpec]
    """Of the same tables."""
    as_ofs: tuple[tuple[dt.date, ...], ...]
    """Those of each task."""
    relational: tuple[RelationalFile, ...]
    populations: tuple[WindowedFile | RelationalFile, ...]
    persons: PersonsFile
    people: Exchange

    def __call__(self, number: int) -> None:
        """Leave the people at the dates of a task."""
        with connect() as connection:
            rows = self._rows(connection, self.as_ofs[number])
        self.people.write(number, parted(rows, rows.column("person").to_numpy() // self.persons.of_part))

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
        people = f"select {', '.join([*KEYS, *compared_by, *belongs])} from people"
        select = ", ".join(["n.person", "p.*", *columns])
        numbers = parquet_files((str(self.persons.path),))
        return connection.sql(
            f"select {select} from ({people}) p join {numbers} n using (employee_id) {joins}"
        ).to_arrow_table()


@dataclass(frozen=True, kw_only=True)
class PartTask:
    """Computes the evidence of the persons of a part, and leaves the values that people are compared in for their groups."""

    layout: Layout
    of_part: int
    """Persons of a part."""
    people: Exchange
    departments: Path
    """An array (as-of dates, all persons) of codes, −1 where unknown, as NumPy stores it."""
    log: Exchange | None
    no_events: pa.Table
    """The log without rows."""
    windows: Exchange | None
    """The windowed columns of a kept log at the one date, each row with its ``person``."""
    rows: Exchange
    """The evidence in the order of persons and dates, of each part for one receiver."""
    values: Mapping[Relation, Exchange]
    """Each part leaves its values for groups, by the hash of these."""

    def __call__(self, part: int) -> None:
        """Leave the rows of ``part``, and the values of its people."""
        people = self.people.table(part)
        assert people is not None, "every person is employed at some date"
        people = people.sort_by([("person", "ascending"), ("as_of", "ascending")]).combine_chunks()
        rows = self._evidence(part, people)
        self.rows.write(part, ((0, batch) for batch in rows.to_batches()))
        for relation, sources in compared(self.layout.selection.between).items():
            self._leave_values(part, relation, rows.select(sources), groups_of(people, relation))

    def _evidence(self, part: int, people: pa.Table) -> pa.Table:
        """The evidence of ``people``, in their order."""
        selection = self.layout.selection
        arrays: dict[str, pa.Array] = {key: people.column(key).combine_chunks() for key in KEYS}
        arrays |= self._windows(part, people)
        arrays |= {name: _number(people.column(name)) for file in selection.relational for name in file.spec.columns}
        arrays = self._within_populations(arrays, people)
        if selection.derived:
            with connect() as connection:
                for file in selection.derived:
                    derived = derived_columns(connection, file, arrays)
                    arrays |= self._within_populations(derived, people)
        return pa.Table.from_pydict(arrays, schema=fields_of(selection.columns))

    def _windows(self, part: int, people: pa.Table) -> dict[str, pa.Array]:
        """The windowed columns."""
        layout, low = self.layout, part * self.of_part
        if self.windows is not None:
            columns = self.windows.table(part)
            assert columns is not None, "every person has columns"
            columns = columns.sort_by("person")
            return {name: _number(columns.column(name)) for name in columns.column_names if name != "person"}
        if self.log is None:
            return {}
        log = self.log.table(part)
        person = people.column("person").to_numpy() - low
        as_of = np.searchsorted(layout.grid.as_ofs, people.column("as_of").cast(pa.int32()).to_numpy())
        _, first = np.unique(person, return_index=True)
        persons = people.column("employee_id").take(pa.array(first)).to_numpy()
        windows = layout.part_plan.columns(
            arrays_of(self.no_events if log is None else log),
            low=low,
            n=len(persons),
            departments=np.load(self.departments, mmap_mode="r"),
            exposure=layout.exposure(persons),
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

    def _leave_values(self, part: int, relation: Relation, values: pa.Table, groups: pa.DictionaryArray) -> None:
        """Leave the values that people are compared in for the group of each."""
        to = numbers_of(groups, self.values[relation].receivers)
        table = values.append_column(GROUP, groups.cast(pa.string()))
        table = table.append_column(ROW, pa.array(np.arange(values.num_rows, dtype=np.int32)))
        self.values[relation].write(part, parted(table, to))


def groups_of(people: pa.Table, relation: Relation) -> pa.DictionaryArray:
    """As-of date and group of each row as one text; missing where the group is unknown."""
    columns = [people.column("as_of").cast(pa.int32()), *(people.column(by(name)) for name in GROUPED_BY[relation])]
    texts = [column.cast(pa.string()).combine_chunks() for column in columns]
    return pc.binary_join_element_wise(*texts, "|").dictionary_encode()


def numbers_of(groups: pa.DictionaryArray, n: int) -> Ints:
    """Which of ``n`` tasks has each of the groups of :func:`groups_of`, by their hash; −1 where it is missing."""
    hashed = pd.util.hash_array(groups.dictionary.to_numpy(zero_copy_only=False)) % np.uint64(n)
    of_known = np.append(hashed.astype(np.int64), -1)
    numbers: Ints = of_known[groups.indices.fill_null(len(hashed)).to_numpy()]
    return numbers


def _number(column: pa.ChunkedArray) -> pa.Array:
    """A column of evidence in which not a number is missing."""
    return pa.array(column.to_numpy(), from_pandas=True)
