"""Bringing the stored rows up to the log: row groups that are new, or that a new row corrects, are read; all others are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perfml.evidence.holes.rhythm import posts_sql
from perfml.evidence.log.cells import number_of_day
from perfml.evidence.nightly.row_groups import RowGroup, SourceFile, list_row_groups
from perfml.evidence.nightly.state import NightManifest, StateFolder, StoredGroup
from perfml.evidence.nightly.storing import (
    LENT,
    SINGLE,
    STORED,
    TABLES,
    VERSIONS,
    GroupReader,
    Keys,
    KeysFile,
    NamesTask,
    PositionHashes,
    StoreTask,
    keys_of,
    names_sql,
)
from perfml.evidence.tables.reading import literal
from perfml.evidence.tasks.exchange import Exchange
from perfml.evidence.tasks.runner import TaskRunner
from perfml.progress import SILENT, Progress

MOST_HERE: Final = 4
"""New row groups that this process reads itself."""
TASKS: Final = 4
"""Of those who read beside each other: for each that runs at once, so that a large one at the end is waited for less."""


@dataclass(kw_only=True)
class LogSync:
    """One run over the log of a source: what was stored, and what is read."""

    connection: duckdb.DuckDBPyConnection
    state: StateFolder
    reader: GroupReader
    has_positions: bool
    beside: TaskRunner | None = None
    """Who reads many new row groups beside each other."""
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
        listed, source = list_row_groups(self.reader.raw, before.source)
        self.listed = listed
        positions = self._positions()
        unchanged = {
            name: group
            for name, group in before.groups.items()
            if name in listed and not group.early and group.positions == positions.upto(group.last_day)
        }
        new = [group for name, group in listed.items() if name not in unchanged]
        beside = self.beside if len(new) > MOST_HERE else None
        keys: dict[str, KeysFile] = {}
        if beside is not None:
            keys = self._number_beside(beside, new)
        elif self.reader.has_keys:
            keys = {group.name: self.reader.keys(self.connection, group) for group in new}
        repeated = self._repeated(keys, unchanged)
        touched = [
            name
            for name, group in unchanged.items()
            if len(repeated) and _within(repeated, self._stored_keys(group)).any()
        ]
        new += [listed[name] for name in touched]
        self.groups = unchanged
        keys |= {name: key for name in touched if (key := keys_of(unchanged.pop(name)))}
        dropped = {group.number for name, group in before.groups.items() if name not in unchanged}
        self._forget(dropped)
        first = 1 + max((group.number for group in before.groups.values()), default=-1)
        if beside is not None:
            self._store_beside(beside, new, first, keys, positions)
        else:
            for done, group in enumerate(new):
                self.progress("new rows of the log", done, len(new))
                self.groups[group.name] = self._store(group, first + done, keys.get(group.name), positions)
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
        self.reader.make_tables(self.connection)
        for name in TABLES:
            if name in before.tables:
                self.connection.register("night_kept", self.state.read_table(before.tables[name]))
                execute(f"insert into {name} by name select * from night_kept")
                self.connection.unregister("night_kept")
        execute("create or replace temp table night_repeated (key ubigint)")
        execute(f"insert into night_repeated select distinct hash(event_id)::ubigint from {VERSIONS}")

    def _positions(self) -> PositionHashes:
        rows = self.connection.execute(
            f"select {number_of_day('usable_day')} as day, count(*), sum(hash(employee_id, department, location)::hugeint)"
            " from night_posts group by day order by day"
        ).fetchall()
        known = accumulate(((row[1], row[2]) for row in rows), lambda a, b: (a[0] + b[0], a[1] + b[1]), initial=(0, 0))
        return PositionHashes([row[0] for row in rows], list(known))

    def _stored_keys(self, group: StoredGroup) -> Keys:
        keys = keys_of(group)
        return np.empty(0, np.uint64) if keys is None else keys.read(self.state.folder)

    def _repeated(self, keys: Mapping[str, KeysFile], unchanged: Mapping[str, StoredGroup]) -> Keys:
        """The keys that stand in several rows, as far as that was not known; adds them to ``night_repeated``.

        Keys of a row group that is gone count no more, but stay where they were found twice: a key that stands in one row has one
        version.
        """
        known = (
            self.connection.sql("select key from night_repeated order by key").to_arrow_table().column("key").to_numpy()
        )
        arrays = [each.read(self.state.folder) for each in keys.values()]
        new = np.sort(np.concatenate([*arrays, np.empty(0, np.uint64)]))
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
        for table in TABLES if numbers else ():
            self.connection.execute(
                f"delete from {table} where part in (select unnest(?::integer[]))", [sorted(numbers)]
            )

    def _store(self, group: RowGroup, number: int, keys: KeysFile | None, positions: PositionHashes) -> StoredGroup:
        """Read a row group here, and store its rows."""
        rows = group.read()
        early = self.reader.clean(self.connection, rows)
        # Numbered before rows with a repeated key go: they may be the only ones of their person or kind.
        self._number(self.connection.sql(names_sql("night_clean")).to_arrow_table())
        return self.reader.store(
            self.connection, number, rows=rows.num_rows, early=early, keys=keys, positions=positions
        )

    def _number_beside(self, beside: TaskRunner, new: Sequence[RowGroup]) -> dict[str, KeysFile]:
        """Give numbers to who and what stands in many row groups; return their keys."""
        self.progress("new rows of the log", 0, len(new))
        n = min(len(new), TASKS * beside.parallel)
        names, keys = (Exchange(beside.folder / f"night-{name}", n, 1) for name in ("names", "keys"))
        beside.run(NamesTask(reader=self.reader, groups=tuple(new), names=names, keys=keys), n)
        for _, distinct in names.pieces(0):
            self._number(distinct)
        written = keys.table(0)
        if written is None:
            return {}
        return {row["group"]: KeysFile(row["name"], row["checksum"]) for row in written.to_pylist()}

    def _store_beside(
        self,
        beside: TaskRunner,
        new: Sequence[RowGroup],
        first: int,
        keys: Mapping[str, KeysFile],
        positions: PositionHashes,
    ) -> None:
        """Let many row groups be read and stored beside each other."""
        n = min(len(new), TASKS * beside.parallel)
        folder = beside.folder / "night-state"
        folder.mkdir(exist_ok=True)
        for name in LENT:
            path = literal(str(folder / f"{name}.parquet"))
            self.connection.execute(f"copy (from {name}) to {path} (format parquet)")
        answers = {name: Exchange(folder / name, n, 1) for name in (STORED, *TABLES)}
        task = StoreTask(
            reader=self.reader,
            groups=tuple(new),
            keys=tuple(keys.get(group.name) for group in new),
            first=first,
            positions=positions,
            lent=folder,
            answers=answers,
        )
        beside.run(task, n)
        for _, stored in answers[STORED].pieces(0):
            for row in stored.to_pylist():
                self.groups[row["group"]] = StoredGroup.model_validate_json(row["stored"])
        for name in TABLES:
            for _, rows in answers[name].pieces(0):
                self.connection.register("night_answer", rows)
                self.connection.execute(f"insert into {name} by name select * from night_answer")
                self.connection.unregister("night_answer")

    def read_again(self, name: str, *, into: str) -> None:
        """Add the rows of the row group ``name`` whose key is not repeated to the table ``into``."""
        self.reader.clean(self.connection, self.listed[name].read())
        self.connection.execute(f"insert into {into} select * from night_clean where {SINGLE}")

    def _number(self, names: pa.Table) -> None:
        """Give the next numbers to the people and kinds of ``names`` that have none."""
        self.connection.register("night_names", names)
        number_persons(self.connection.execute, "select id from night_names where id is not null")
        kinds = "select distinct kind from night_names where kind is not null order by kind"
        present = self.connection.execute(kinds).fetchall()
        self.connection.unregister("night_names")
        self._number_kinds([str(row[0]) for row in present if row[0] not in self.kinds])

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
                name: self.state.write_table(name, self.connection.table(name).to_arrow_table()) for name in TABLES
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


def _within(keys: Keys, stored: Keys) -> npt.NDArray[np.bool_]:
    """Which of the sorted ``keys`` stand among the sorted ``stored``."""
    if not len(stored):
        return np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(stored, keys), len(stored) - 1)
    within: npt.NDArray[np.bool_] = stored[at] == keys
    return within
