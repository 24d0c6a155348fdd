"""A store that stays open in a process that asks it with every request.

Opening a store compares its marker, its identity and its migrations, which costs more than most questions. Here that is done
once, and again whenever another file lies at the address; a removed, emptied or exchanged store is noticed by its identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import sqlalchemy as sql

from perfml.home_reads import Identity, identity_of
from perfml.store.commits import commits_of_others
from perfml.store.opening import FILE, MARKER, connected, has_file_alone, is_made, session, standing_transaction
from perfml.store.tables import ENTRIES

_NEWEST = str(
    sql.select(
        *(
            part
            for table in ENTRIES
            for part in (
                sql.select(sql.func.coalesce(sql.func.max(table.c.number), sql.literal_column("0"))).scalar_subquery(),
                sql.select(sql.func.count()).select_from(table).scalar_subquery(),
            )
        )
    )
)
"""As text, which is the same for every database: to write it out costs more than to answer it."""


_NOTHING: Mapping[str, tuple[int, ...]] = {table.name: (0, 0) for table in ENTRIES}
"""The versions of a store that is not made yet, and of one without an entry."""


class _Connection:
    """One connection to the store of ``home``, opened again where it lies in another file."""

    def __init__(self, home: Path, *, writing: bool) -> None:
        self.home, self._writing, self._paths = home, writing, (home / MARKER, home / FILE)
        self._connection: sql.Connection | None = None
        self._opened: tuple[Identity | None, ...] = ()
        self._alone = False

    def get(self) -> sql.Connection:
        """The connection. Raises :class:`~perfml.store.opening.StoreError` for a store that is missing, damaged or another."""
        now = self._files()
        if self._connection is None or self._connection.invalidated or now != self._opened:
            self.close()
            with session(self.home, writing=self._writing):
                pass
            self._opened = self._files()
            self._connection = connected(self.home, writing=self._writing)
            self._alone = has_file_alone(self._connection)
        return self._connection

    def _files(self) -> tuple[Identity | None, ...]:
        return tuple(map(_file, self._paths))

    def release(self) -> None:
        """Close it if it has the file alone, which is how SQLite reads and writes on a full disk: others would wait for ever."""
        if self._connection is not None and self._alone:
            self.close()

    def close(self) -> None:
        """Close it; the next :meth:`get` opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class StandingStore:
    """Writing transactions that follow one another on one connection. Used by one thread at a time."""

    def __init__(self, home: Path) -> None:
        self._connection = _Connection(home, writing=True)

    @contextmanager
    def transaction(self) -> Iterator[sql.Connection]:
        """As :meth:`RecordStore.transaction`."""
        try:
            connection = self._connection.get()
            with standing_transaction(connection):
                yield connection
        except BaseException:
            self._connection.close()
            raise
        self._connection.release()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class StoreVersions:
    """What changes with each entry of each table, by table. Threads may share it."""

    def __init__(self, home: Path) -> None:
        self._home, self._connection, self._lock = home, _Connection(home, writing=False), Lock()
        self._committed: object = None
        self._versions = _NOTHING

    def now(self) -> Mapping[str, tuple[int, ...]]:
        """Table -> its newest number and its number of entries. Raises :class:`~perfml.store.opening.StoreError`."""
        if not is_made(self._home):
            return _NOTHING
        with self._lock:
            connection = self._connection.get()
            try:
                committed = commits_of_others(connection)
                if committed is None or committed != self._committed:
                    with standing_transaction(connection):
                        row = connection.exec_driver_sql(_NEWEST).one()
                    now = {table.name: (row[2 * at], row[2 * at + 1]) for at, table in enumerate(ENTRIES)}
                    if now != self._versions:  # the same mapping is compared faster
                        self._versions = now
                    self._committed = committed
            except BaseException:
                self._connection.close()
                self._committed = None
                raise
            self._connection.release()
        return self._versions


def _file(path: Path) -> Identity | None:
    """Device, inode, and whether it is empty: an open database changes its size and times, not these."""
    identity = identity_of(path)
    return None if identity is None else (*identity[:2], int(identity[2] == 0))
