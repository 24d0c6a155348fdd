"""Bringing the stored rows up to the log: row groups that are new, or that a new row corrects, are read; all others are not."""

from __future__ import annotations

import datetime as dt
import zlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perfml.evidence.fingerprint import HIGH, LOW, line_of
from perfml.evidence.holes.rhythm import posts_sql
from perfml.evidence.log.cells import NO_ONE, number_of_day, scaled_value
from perfml.evidence.nightly.row_groups import RowGroup, SourceFile, group_relation, list_row_groups
from perfml.evidence.nightly.state import DamagedState, NightManifest, StateFolder, StoredGroup
from perfml.evidence.nightly.stored_rows import write_rows
from perfml.evidence.tables.loading import clean_rows, quarantined_rows
from perfml.evidence.tables.reading import RawTable
from perfml.evidence.tables.typed_rows import typed_rows
from perfml.evidence.withheld.fact import WithheldFact
from perfml.evidence.withheld.rows import as_they_stand
from perfml.files import writing
from perfml.progress import SILENT, Progress
from perfml.project.table_spec import TableSpec

Keys = npt.NDArray[np.uint64]
TOTALS, FAULTS, VERSIONS = "night_totals", "night_faults", "night_versions"
"""Tables that hold rows of all row groups, ``part`` by part: rows counted by day, refused rows, rows whose key is repeated."""
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


@dataclass(kw_only=True)
class LogSync:
    """One run over the log of a source: what was stored, and what is read."""

    connection: duckdb.DuckDBPyConnection
    state: StateFolder
    raw: RawTable
    spec: TableSpec
    today: dt.date
    withheld: Sequence[WithheldFact]
    columns: StoredColumns
    has_positions: bool
    progress: Progress = SILENT
    listed: dict[str, RowGroup] = field(default_factory=dict)
    """The row groups of the log."""
    groups: dict[str, StoredGroup] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    read: int = 0
    """Row groups that were read."""

    def run(self, made_from: dict[str, str]) -> NightManifest:
        """Read what is new; return the manifest of the stored rows, with the sums of the night before.

        Makes the temp tables :data:`TOTALS`, :data:`FAULTS` and :data:`VERSIONS`. Raises :class:`DamagedState`.
        """
        before = self.state.manifest or NightManifest(made_from=made_from)
        self._restore(before)
        listed, source = list_row_groups(self.raw, before.source)
        self.listed = listed
        positions = self._positions()
        unchanged = {
            name: group
            for name, group in before.groups.items()
            if name in listed and not group.early and group.positions == positions.upto(group.last_day)
        }
        new = [group for name, group in listed.items() if name not in unchanged]
        keys = {}
        if "event_id" in self.raw.columns:
            keys = {group.name: self._keys(group) for group in new}
            repeated = self._repeated(keys, unchanged)
            touched = [
                name
                for name, group in unchanged.items()
                if len(repeated) and _within(repeated, self._stored_keys(group)).any()
            ]
            new += [listed[name] for name in touched]
            keys |= {name: self._stored_keys(unchanged.pop(name)) for name in touched}
        self.groups = unchanged
        dropped = {group.number for name, group in before.groups.items() if name not in unchanged}
        self._forget(dropped)
        number = max((group.number for group in before.groups.values()), default=-1)
        for done, group in enumerate(new):
            self.progress("new rows of the log", done, len(new))
            number += 1
            self.groups[group.name] = self._store(group, number, keys.get(group.name), positions)
        self.read = len(new)
        return self._manifest(before, made_from, source)

    def _restore(self, before: NightManifest) -> None:
        """Make the temp tables from what was kept."""
        execute = self.connection.execute
        ids = (
            self.state.read_table(before.persons)
            if before.persons
            else pa.table({"employee_id": pa.array([], pa.string())})
        )
        numbered = ids.append_column("person", pa.array(np.arange(ids.num_rows, dtype=np.int32)))
        self.connection.register("night_ids", numbered)
        execute("create or replace temp table night_persons as select * from night_ids")
        self.connection.unregister("night_ids")
        execute("create or replace temp table night_kinds (name text, number smallint)")
        self._number_kinds(before.kinds)
        execute(f"create or replace temp table night_posts as {posts_sql(self.has_positions)}")
        self._clean(f"(select * from {self.raw.relation} limit 0)")
        shapes = {TOTALS: totals_sql("night_clean", self.spec), FAULTS: "from quarantine", VERSIONS: "from night_clean"}
        for name, sql in shapes.items():
            execute(f"create or replace temp table {name} as select 0::integer as part, * from ({sql}) limit 0")
            if name in before.tables:
                self.connection.register("night_kept", self.state.read_table(before.tables[name]))
                execute(f"insert into {name} by name select * from night_kept")
                self.connection.unregister("night_kept")
        execute("create or replace temp table night_repeated (key ubigint)")
        execute(f"insert into night_repeated select distinct hash(event_id)::ubigint from {VERSIONS}")

    def _positions(self) -> _PositionHashes:
        rows = self.connection.execute(
            f"select {number_of_day('usable_day')} as day, count(*), sum(hash(employee_id, department, location)::hugeint)"
            " from night_posts group by day order by day"
        ).fetchall()
        known = accumulate(((row[1], row[2]) for row in rows), lambda a, b: (a[0] + b[0], a[1] + b[1]), initial=(0, 0))
        return _PositionHashes([row[0] for row in rows], list(known))

    def _keys(self, group: RowGroup) -> Keys:
        relation = group_relation(self.connection, self.raw, group.read(only="event_id"), name="night_rows")
        typed = typed_rows(replace(self.raw, relation=relation), self.spec, today=self.today)
        sql = f"select hash(event_id)::ubigint as key from ({typed}) where event_id is not null order by key"
        keys: Keys = self.connection.sql(sql).to_arrow_table().column("key").to_numpy()
        return keys

    def _stored_keys(self, group: StoredGroup) -> Keys:
        if group.keys is None:
            return np.empty(0, np.uint64)
        path = self.state.path(group.keys)
        try:
            keys: Keys = np.load(path, mmap_mode="r")
        except (OSError, EOFError, ValueError) as error:
            raise DamagedState(path) from error
        if zlib.crc32(keys.data) != group.keys_checksum:
            raise DamagedState(path)
        return keys

    def _repeated(self, keys: Mapping[str, Keys], unchanged: Mapping[str, StoredGroup]) -> Keys:
        """The keys that stand in several rows, as far as that was not known; adds them to ``night_repeated``.

        Keys of a row group that is gone count no more, but stay where they were found twice: a key that stands in one row has one
        version.
        """
        known = (
            self.connection.sql("select key from night_repeated order by key").to_arrow_table().column("key").to_numpy()
        )
        new = np.sort(np.concatenate([*keys.values(), np.empty(0, np.uint64)]))
        twice = [new[1:][new[1:] == new[:-1]]]
        for group in unchanged.values() if len(new) else ():
            stored = self._stored_keys(group)
            twice.append(new[_within(new, stored)])
        repeated: Keys = np.setdiff1d(np.concatenate(twice), known)
        self.connection.register("night_keys", pa.table({"key": repeated}))
        self.connection.execute("insert into night_repeated select key from night_keys")
        self.connection.unregister("night_keys")
        return repeated

    def _forget(self, numbers: set[int]) -> None:
        """Remove what was kept for row groups that are gone or are read again."""
        for table in (TOTALS, FAULTS, VERSIONS) if numbers else ():
            self.connection.execute(
                f"delete from {table} where part in (select unnest(?::integer[]))", [sorted(numbers)]
            )

    def _clean(self, relation: str) -> bool:
        """Make the tables ``night_typed`` and ``night_clean`` of some rows; return whether any lies in the future."""
        raw = replace(self.raw, relation=relation)
        typed = as_they_stand(typed_rows(raw, self.spec, today=self.today), "events", self.spec, self.withheld)
        self.connection.execute(f"create or replace temp table night_typed as {typed}")
        clean = clean_rows(raw, "night_typed", refused=True)
        self.connection.execute(f"create or replace temp table night_clean as {clean}")
        future = "select 1 from night_typed where broken like 'in_the_future%' limit 1"
        return bool(self.connection.execute(future).fetchall())

    def _store(self, group: RowGroup, number: int, keys: Keys | None, positions: _PositionHashes) -> StoredGroup:
        """Read a row group, and store its rows."""
        execute, rows = self.connection.execute, group.read()
        early = self._clean(group_relation(self.connection, self.raw, rows, name="night_rows"))
        execute(
            f"insert into {FAULTS} select {number}, * from ({quarantined_rows(self.raw, self.spec, 'night_typed')})"
        )
        # Numbered before rows with a repeated key go: they may be the only ones of their person or kind.
        number_persons(
            execute, "select employee_id as id from night_clean union select counterpart_id from night_clean"
        )
        present = execute("select distinct kind from night_clean order by kind").fetchall()
        self._number_kinds([str(row[0]) for row in present if row[0] not in self.kinds])
        if keys is not None:
            execute(f"insert into {VERSIONS} select {number}, * from night_clean where not {SINGLE}")
            execute(f"delete from night_clean where not {SINGLE}")
        execute(f"insert into {TOTALS} select {number}, * from ({totals_sql('night_clean', self.spec)})")
        stored = write_rows(self.state, self.connection.sql(self.columns.select("night_clean", "")).to_arrow_table())
        name = None
        if keys is not None:
            name = self.state.new_name("keys", "npy")
            with writing(self.state.path(name)):
                np.save(self.state.path(name), keys)
        last_day = max((batch.last_day for batch in stored.batches), default=0)
        return StoredGroup(
            number=number,
            rows=rows.num_rows,
            stored=stored,
            keys=name,
            keys_checksum=0 if keys is None else zlib.crc32(keys.data),
            last_day=last_day,
            positions=positions.upto(last_day),
            early=early,
        )

    def read_again(self, name: str, *, into: str) -> None:
        """Add the rows of the row group ``name`` whose key is not repeated to the table ``into``."""
        self._clean(group_relation(self.connection, self.raw, self.listed[name].read(), name="night_rows"))
        self.connection.execute(f"insert into {into} select * from night_clean where {SINGLE}")

    def _number_kinds(self, kinds: Sequence[str]) -> None:
        """Give the next numbers to ``kinds``, which have none."""
        if kinds:
            numbered = [(kind, number) for number, kind in enumerate(kinds, len(self.kinds))]
            self.connection.executemany("insert into night_kinds values (?, ?)", numbered)
            self.kinds += kinds

    def _manifest(
        self, before: NightManifest, made_from: dict[str, str], source: dict[str, SourceFile]
    ) -> NightManifest:
        if self.groups == before.groups and source == before.source and before.persons:
            return before
        tables, persons = before.tables, before.persons
        if self.groups != before.groups or not persons:
            tables = {
                name: self.state.write_table(name, self.connection.table(name).to_arrow_table())
                for name in (TOTALS, FAULTS, VERSIONS)
            }
            persons = write_persons(self.connection, self.state)
        return NightManifest(
            number=before.number + 1,
            made_from=made_from,
            source=source,
            groups=self.groups,
            kinds=tuple(self.kinds),
            persons=persons,
            tables=tables,
            sums=before.sums,
            newest=before.newest,
        )


def number_persons(execute: Callable[[str], object], ids: str) -> None:
    """Give a number to each ``id`` of the SELECT ``ids`` that has none."""
    execute(
        "insert into night_persons select id, ((select count(*) from night_persons) + row_number() over () - 1)::integer"
        f" from ({ids}) where id is not null and id not in (select employee_id from night_persons)"
    )


def write_persons(connection: duckdb.DuckDBPyConnection, state: StateFolder) -> str:
    """Write the ids of people in the order of their numbers; return the name of the file."""
    ids = connection.sql("select employee_id from night_persons order by person").to_arrow_table()
    return state.write_table("persons", ids)


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
class _PositionHashes:
    """What was known of positions by each day."""

    days: list[int]
    known: list[tuple[int, int]]
    """Before the first of ``days``, and after each: how many positions were known, and the sum of their hashes."""

    def upto(self, day: int) -> str:
        """Hash of the positions that were known by ``day``."""
        count, total = self.known[bisect_right(self.days, day)]
        return f"{count}-{total:x}"


def _within(keys: Keys, stored: Keys) -> npt.NDArray[np.bool_]:
    """Which of the sorted ``keys`` stand among the sorted ``stored``."""
    if not len(stored):
        return np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(stored, keys), len(stored) - 1)
    within: npt.NDArray[np.bool_] = stored[at] == keys
    return within
