"""Entries in the store: added all or none, each once under its idempotency key, and read in their order."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.home_reads import note_table
from perfml.json_types import JsonObject
from perfml.store.audit.chain import append_added, append_erased
from perfml.store.opening import REMEDY, StoreError, is_made, session


class KeyTaken(PerfmlError):
    """Another entry is stored under the same idempotency key."""


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """An entry to be stored: what it says, about whom or what, under which key of the caller."""

    key: str
    subject: str
    entry: JsonObject


@dataclass(frozen=True, kw_only=True)
class StoredEntry(NewEntry):
    """An entry as it is stored."""

    number: int
    """Position in its table; later entries have higher numbers, whatever the clock says."""
    entered_at: str
    """When it was stored, UTC, ISO 8601."""


class RecordStore:
    """The store of ``home``; it is made when an entry is first added."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @contextmanager
    def transaction(self) -> Iterator[sql.Connection]:
        """A writing transaction for entries that belong together: all are stored at its end, or none."""
        with session(self.home, writing=True) as connection:
            yield connection

    def add(self, table: sql.Table, entries: Sequence[NewEntry]) -> list[StoredEntry]:
        """Store ``entries``, all or none, and return them as stored. The same entry under the same key is stored once.

        Raises :class:`KeyTaken` where a key stands for another entry, :class:`StoreError` where the store cannot be written.
        """
        with self.transaction() as connection:
            return add_entries(connection, table, entries)

    def erase(self, table: sql.Table, numbers: Collection[int]) -> None:
        """Erase entries whose retention has ended; their numbers are not given again."""
        with self.transaction() as connection:
            append_erased(connection, table, numbers)
            for number in numbers:
                connection.execute(table.delete().where(table.c.number == number))

    def read(self, table: sql.Table, *, subjects: Collection[str] | None = None) -> list[StoredEntry]:
        """The entries about ``subjects`` (default: all), oldest first. Raises :class:`StoreError` for a damaged store."""
        note_table(table.name)
        if not is_made(self.home):
            return []
        with session(self.home, writing=False) as connection:
            return read_entries(connection, table, subjects=subjects)


def add_entries(connection: sql.Connection, table: sql.Table, entries: Sequence[NewEntry]) -> list[StoredEntry]:
    """Store ``entries`` within a transaction, see :meth:`RecordStore.add`."""
    return [_added(connection, table, new) for new in entries]


def read_entries(
    connection: sql.Connection, table: sql.Table, *, subjects: Collection[str] | None = None
) -> list[StoredEntry]:
    """Read entries within a transaction, see :meth:`RecordStore.read`."""
    note_table(table.name)
    query = sql.select(table).order_by(table.c.number)
    if subjects is not None and len(subjects) <= 500:  # databases limit the values of one query
        query = query.where(table.c.subject.in_(subjects))
    wanted = None if subjects is None else frozenset(subjects)
    rows = connection.execute(query).mappings()
    return [_stored(table, row) for row in rows if wanted is None or row["subject"] in wanted]


def stored_before(
    connection: sql.Connection, table: sql.Table, key: str | None, *, subject: str | None, request: JsonObject
) -> StoredEntry | None:
    """The entry that the same ``request`` about ``subject`` (None: about whatever it was) stored under a caller's ``key`` before,
    within a transaction.

    None where it comes for the first time, or without a key. Raises :class:`KeyTaken` where the key stands for another one."""
    if key is None:
        return None
    row = connection.execute(sql.select(table).where(table.c.key == caller_key(key))).mappings().one_or_none()
    if row is None:
        return None
    stored = _stored(table, row)
    if subject not in (None, stored.subject) or any(stored.entry.get(name) != value for name, value in request.items()):
        raise _taken(key)
    return stored


def caller_key(key: str) -> str:
    """The key of an entry that a caller chose a ``key`` for, apart from those that are made of what an entry says."""
    return f"request/{key}"


def _added(connection: sql.Connection, table: sql.Table, new: NewEntry) -> StoredEntry:
    text = json.dumps(new.entry, ensure_ascii=False, sort_keys=True)
    existing = sql.select(table).where(table.c.key == new.key)
    row = connection.execute(existing).mappings().one_or_none()
    if row is None:
        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        values = {"key": new.key, "subject": new.subject, "entry": text, "entered_at": at}
        connection.execute(table.insert().values(values))
        row = connection.execute(existing).mappings().one()
        append_added(connection, table, row)
    elif (row["entry"], row["subject"]) != (text, new.subject):
        raise _taken(new.key)
    return _stored(table, row)


def _taken(key: str) -> KeyTaken:
    return KeyTaken(
        "stands for another entry",
        where=f"idempotency key {key!r}",
        remedy="send another entry under another key",
    )


def _stored(table: sql.Table, row: sql.RowMapping) -> StoredEntry:
    try:
        entry = json.loads(row["entry"])
    except ValueError as error:
        raise StoreError(
            f"entry {row['number']} cannot be read ({error})", where=f"table {table.name} of the store", remedy=REMEDY
        ) from error
    return StoredEntry(**{**row, "entry": entry})
