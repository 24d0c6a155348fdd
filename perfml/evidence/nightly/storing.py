"""What is done with one row group of the log: its keys, the people in it, its stored rows. It needs no state but its tables.

A :class:`GroupReader` is small and holds no connection, so that it can be sent to whoever reads.
"""

from __future__ import annotations

import datetime as dt
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perfml.evidence.fingerprint import HIGH, LOW, line_of
from perfml.evidence.log.cells import NO_ONE, number_of_day, scaled_value
from perfml.evidence.nightly.row_groups import RowGroup, group_relation
from perfml.evidence.nightly.state import DamagedState, StoredGroup, new_name, require_state
from perfml.evidence.nightly.stored_rows import write_rows
from perfml.evidence.tables.cells import FILE, ROW
from perfml.evidence.tables.loading import clean_rows, make_quarantine, quarantined_rows
from perfml.evidence.tables.reading import RawTable, literal
from perfml.evidence.tables.typed_rows import typed_rows
from perfml.evidence.tasks.exchange import Exchange
from perfml.evidence.tasks.runner import connect
from perfml.evidence.withheld.fact import WithheldFact
from perfml.evidence.withheld.rows import as_they_stand
from perfml.files import writing
from perfml.project.table_spec import TableSpec

Keys = npt.NDArray[np.uint64]
TOTALS, FAULTS, VERSIONS = "night_totals", "night_faults", "night_versions"
"""Tables that hold rows of all row groups, ``part`` by part: rows counted by day, refused rows, rows whose key is repeated."""
NAMES: Final = ("employee_id", "counterpart_id", "kind")
NO_ROWS: Final = pa.table({FILE: pa.array([], pa.string()), ROW: pa.array([], pa.int64())})
TABLES: Final = (TOTALS, FAULTS, VERSIONS)
STORED: Final = "night_stored"
"""What tasks tell of each row group that they stored."""
LENT: Final = ("night_persons", "night_kinds", "night_repeated", "night_posts")
"""Tables of the state that :meth:`GroupReader.store` needs."""
SINGLE = "(event_id is null or hash(event_id)::ubigint not in (select key from night_repeated))"
"""SQL condition of rows whose key is not repeated."""


@dataclass(frozen=True, kw_only=True)
class StoredColumns:
    """What is kept of each row."""

    decimals: int
    values: bool
    """Whether any measure needs values."""
    moments: bool
    """Whether any measure needs the order of events."""
    conditions: tuple[str, ...]
    """SQL conditions, each a bit of ``met``."""

    def select(self, rows: str, more: str) -> str:
        """SQL of the stored rows of ``rows``, with ``more`` columns."""
        columns = {
            "person": "p.person",
            "kind": "k.number",
            "day": number_of_day("e.happened_day"),
            "usable_day": number_of_day("e.usable_day"),
            "other": f"coalesce(o.person, {NO_ONE})::integer",
        }
        if self.values or self.moments:
            columns["scaled"] = scaled_value(self.decimals)
        if self.moments:
            columns |= {"valued": "(e.value is not null)::tinyint", "moment": "epoch_us(e.happened_at)"}
        if self.conditions:
            bits = [f"(({sql})::bigint << {bit})" for bit, sql in enumerate(self.conditions)]
            columns["met"] = " | ".join(bits)
        selected = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
        return (
            f"select {selected}{more} from {rows} e join night_persons p on p.employee_id = e.employee_id"
            " join night_kinds k on k.name = e.kind left join night_persons o on o.employee_id = e.counterpart_id"
            " order by day"
        )


@dataclass(frozen=True)
class KeysFile:
    """The sorted hashes of the keys of a row group, in the state folder."""

    name: str
    checksum: int
    """CRC-32 of the hashes."""

    def read(self, folder: Path) -> Keys:
        """The hashes. Raises :class:`DamagedState`."""
        path = folder / self.name
        try:
            keys: Keys = np.load(path, mmap_mode="r")
        except (OSError, EOFError, ValueError) as error:
            raise DamagedState(path) from error
        if zlib.crc32(keys.data) != self.checksum:
            raise DamagedState(path)
        return keys


@dataclass(frozen=True, kw_only=True)
class GroupReader:
    """Reads row groups by the rules of the log, with a connection that has the tables of the state."""

    folder: Path
    """The state folder."""
    raw: RawTable
    spec: TableSpec
    today: dt.date
    withheld: Sequence[WithheldFact]
    columns: StoredColumns

    @property
    def has_keys(self) -> bool:
        """Whether rows have keys."""
        return "event_id" in self.raw.columns

    def keys(self, connection: duckdb.DuckDBPyConnection, group: RowGroup) -> KeysFile:
        """Write the keys of a row group to a new file."""
        relation = group_relation(connection, self.raw, group.read(only=("event_id",)), name="night_rows")
        typed = typed_rows(replace(self.raw, relation=relation), self.spec, today=self.today)
        sql = f"select hash(event_id)::ubigint as key from ({typed}) where event_id is not null order by key"
        keys: Keys = connection.sql(sql).to_arrow_table().column("key").to_numpy()
        name = new_name("keys", "npy")
        with writing(self.folder / name):
            np.save(self.folder / name, keys)
        return KeysFile(name, zlib.crc32(keys.data))

    def names(self, connection: duckdb.DuckDBPyConnection, group: RowGroup) -> pa.Table:
        """The people and kinds of a row group, those in rows that are refused among them; see :func:`names_sql`."""
        typed = self._typed(connection, group.read(only=NAMES))
        return connection.sql(names_sql(f"({typed})")).to_arrow_table()

    def _typed(self, connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> str:
        raw = replace(self.raw, relation=group_relation(connection, self.raw, rows, name="night_rows"))
        return as_they_stand(typed_rows(raw, self.spec, today=self.today), "events", self.spec, self.withheld)

    def clean(self, connection: duckdb.DuckDBPyConnection, rows: pa.Table | None) -> bool:
        """Make the tables ``night_typed`` and ``night_clean`` of the ``rows`` of a row group, by default of none; return whether
        any lies in the future."""
        if rows is None:
            rows = NO_ROWS if self.raw.dataset else NO_ROWS.select([ROW])
        connection.execute(f"create or replace temp table night_typed as {self._typed(connection, rows)}")
        clean = clean_rows(self.raw, "night_typed", refused=True)
        connection.execute(f"create or replace temp table night_clean as {clean}")
        future = "select 1 from night_typed where broken like 'in_the_future%' limit 1"
        return bool(connection.execute(future).fetchall())

    def store(
        self,
        connection: duckdb.DuckDBPyConnection,
        number: int,
        *,
        rows: int,
        early: bool,
        keys: KeysFile | None,
        positions: PositionHashes,
    ) -> StoredGroup:
        """Store what :meth:`clean` made of the ``rows`` of a row group, whose people and kinds have numbers.

        Adds to the tables :data:`FAULTS`, :data:`VERSIONS` and :data:`TOTALS`.
        """
        execute = connection.execute
        execute(
            f"insert into {FAULTS} select {number}, * from ({quarantined_rows(self.raw, self.spec, 'night_typed')})"
        )
        if keys is not None:
            execute(f"insert into {VERSIONS} select {number}, * from night_clean where not {SINGLE}")
            execute(f"delete from night_clean where not {SINGLE}")
        execute(f"insert into {TOTALS} select {number}, * from ({totals_sql('night_clean', self.spec)})")
        stored = write_rows(self.folder, connection.sql(self.columns.select("night_clean", "")).to_arrow_table())
        last_day = max((batch.last_day for batch in stored.batches), default=0)
        return StoredGroup(
            number=number,
            rows=rows,
            stored=stored,
            keys=keys.name if keys else None,
            keys_checksum=keys.checksum if keys else 0,
            last_day=last_day,
            positions=positions.upto(last_day),
            early=early,
        )

    def make_tables(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables that :meth:`store` adds to, without rows."""
        self.clean(connection, None)
        shapes = {
            TOTALS: totals_sql("night_clean", self.spec),
            FAULTS: "from quarantine",
            VERSIONS: "from night_clean",
        }
        for name, sql in shapes.items():
            connection.execute(
                f"create or replace temp table {name} as select 0::integer as part, * from ({sql}) limit 0"
            )


@dataclass(frozen=True, kw_only=True)
class NamesTask:
    """Writes the keys of a share of the row groups, and leaves who and what stands in them."""

    reader: GroupReader
    groups: tuple[RowGroup, ...]
    names: Exchange
    keys: Exchange

    def __call__(self, number: int) -> None:
        """Read the share ``number``."""
        require_state(self.reader.folder)
        names, keys = list[pa.Table](), list[dict[str, object]]()
        with connect() as connection:
            for group in self.groups[number :: self.names.senders]:
                names.append(self.reader.names(connection, group))
                if self.reader.has_keys:
                    written = self.reader.keys(connection, group)
                    keys.append({"group": group.name, "name": written.name, "checksum": written.checksum})
        distinct = pa.concat_tables(names).group_by(["id", "kind"]).aggregate([])
        self.names.write(number, [(0, batch) for batch in distinct.to_batches()])
        self.keys.write(number, [(0, pa.RecordBatch.from_pylist(keys))] if keys else [])


@dataclass(frozen=True, kw_only=True)
class StoreTask:
    """Stores the rows of a share of the row groups."""

    reader: GroupReader
    groups: tuple[RowGroup, ...]
    keys: tuple[KeysFile | None, ...]
    first: int
    """The number of the first of ``groups``."""
    positions: PositionHashes
    lent: Path
    """Where the tables :data:`LENT` lie."""
    answers: Mapping[str, Exchange]
    """What is left for the process that has the state: :data:`STORED`, and rows of :data:`TABLES`."""

    def __call__(self, number: int) -> None:
        """Store the share ``number``."""
        stored = list[dict[str, object]]()
        with connect() as connection:
            for name in LENT:
                path = literal(str(self.lent / f"{name}.parquet"))
                connection.execute(f"create view {name} as select * from read_parquet({path})")
            make_quarantine(connection)
            self.reader.make_tables(connection)
            for at in range(number, len(self.groups), self.answers[STORED].senders):
                rows, group = self.groups[at].read(), self.groups[at].name
                early = self.reader.clean(connection, rows)
                of_group = self.reader.store(
                    connection,
                    self.first + at,
                    rows=rows.num_rows,
                    early=early,
                    keys=self.keys[at],
                    positions=self.positions,
                )
                stored.append({"group": group, "stored": of_group.model_dump_json()})
            for name in TABLES:
                batches = connection.table(name).to_arrow_table().to_batches()
                self.answers[name].write(number, [(0, batch) for batch in batches])
        self.answers[STORED].write(number, [(0, pa.RecordBatch.from_pylist(stored))])


def keys_of(group: StoredGroup) -> KeysFile | None:
    """The keys of a row group that was stored; None where the log has no keys."""
    return None if group.keys is None else KeysFile(group.keys, group.keys_checksum)


def names_sql(rows: str) -> str:
    """SQL of who and what stands in ``rows``: an ``id`` or a ``kind`` each."""
    return (
        f"select id, null::text as kind from (select employee_id as id from {rows} union select counterpart_id from {rows})"
        f" union all select distinct null, kind from {rows}"
    )


def totals_sql(rows: str, spec: TableSpec) -> str:
    """SQL: how many ``rows`` of the log there are by day, kind and unit, and the sums of their hashes."""
    return (
        "select e.source, e.kind, p.department, p.location, e.happened_day, e.usable_day, count(*) as n,"
        f" {LOW}::decimal(38, 0) as low, {HIGH}::decimal(38, 0) as high"
        f" from (select t.*, md5_number({line_of('events', spec, dt.date.max)}) as hash"
        f" from (select *, null::date as superseded_day from {rows}) t) e"
        " asof left join night_posts p on e.employee_id = p.employee_id and e.happened_day >= p.usable_day group by all"
    )


@dataclass(frozen=True)
class PositionHashes:
    """What was known of positions by each day."""

    days: list[int]
    known: list[tuple[int, int]]
    """Before the first of ``days``, and after each: how many positions were known, and the sum of their hashes."""

    def upto(self, day: int) -> str:
        """Hash of the positions that were known by ``day``."""
        count, total = self.known[bisect_right(self.days, day)]
        return f"{count}-{total:x}"
