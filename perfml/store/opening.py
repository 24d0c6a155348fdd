"""Opening the database of a home: made once, migrated, and never taken for a new one when it is gone or empty.

SQLite (``home/store.sqlite``) by default; PostgreSQL where ``PERFML_STORE_URL`` in the environment names one, as a password
belongs in no file. The marker ``home/store.json`` keeps the id of the database and, without user and password, its address.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sql
import tenacity

from perfml.errors import DiskFull, PerfmlError
from perfml.files import NO_SPACE, private_file, private_folder, reading, write_text
from perfml.store.audit.chain import HEADS, HOME
from perfml.store.audit.heads import Head, add_heads
from perfml.store.legacy import LEGACY_FILE, import_legacy
from perfml.store.tables import HEAD, IDENTITY

FILE, MARKER = "store.sqlite", "store.json"
URL_VARIABLE = "PERFML_STORE_URL"
WAIT_SECONDS = 30
"""How long a writer waits for another one."""
POSTGRESQL_LOCK = 0x70657266
"""Key of the advisory lock that writers hold one after the other."""
PRAGMAS = (
    "journal_mode = wal",
    "synchronous = full",
    "foreign_keys = on",
    "secure_delete = on",
    f"busy_timeout = {WAIT_SECONDS * 1000}",
)
ALONE = ("busy_timeout = 0", "locking_mode = exclusive")
"""For a disk too full for the index that connections share (``-shm``): whoever has the file alone keeps it in memory."""
FULL = ("disk is full", "No space left on device")
"""What SQLite and PostgreSQL say when nothing more can be written."""
REMEDY = "try again if another program is writing to it, else restore it from a backup"
SERVER_REMEDY = "see that its server answers, and try again: what is sent twice is stored once"


class StoreError(PerfmlError):
    """The store cannot be read, cannot be written or is not the one of this home."""


class StoreFull(StoreError, DiskFull):
    """There is no space left to write to the store; it can still be read."""


class _Marker(NamedTuple):
    """What ``home/store.json`` says: the id of the store, and where it lies."""

    id: str
    address: str


def is_made(home: Path) -> bool:
    """Whether a store was made for ``home``, or entries of an earlier perfml wait to be imported."""
    return any((home / name).exists() for name in (MARKER, FILE, LEGACY_FILE))


@contextmanager
def session(home: Path, *, writing: bool) -> Iterator[sql.Connection]:
    """A transaction in the store of ``home``, which is made where there is none yet, and migrated where it is older.

    Writers follow one another, so the order of ``number`` is the order of commits. Raises :class:`StoreError` for a damaged
    store, and for one that is missing, emptied or another although it was made before.
    """
    url = _url(home)
    with _whole(home):
        marker = _marker(home)
        if marker is None:
            marker = _make(home, url)
        elif marker.address != _address(url):
            raise StoreError(
                f"its entries lie in {marker.address}, not in {_address(url)}",
                where=str(home / MARKER),
                remedy=f"{'unset' if marker.address == FILE else 'name that database in'} {URL_VARIABLE}",
            )
        _require_file(home, marker)
        engine = _engine(url)
        path = home / FILE if marker.address == FILE else Path(marker.address)
        with _begun(engine, home, writing=writing) as connection:
            if _is_current(connection, path, marker) and not (home / LEGACY_FILE).exists():
                yield connection
                return
        with _begun(engine, home, writing=True) as connection:
            _migrate(connection)
            import_legacy(home / LEGACY_FILE, connection)
        with suppress(FileNotFoundError):  # there was none, or another process was first
            (home / LEGACY_FILE).replace(home / f"{LEGACY_FILE}.imported")
        with _begun(engine, home, writing=writing) as connection:
            yield connection


def _url(home: Path) -> str:
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{(home / FILE).absolute()}"


@lru_cache(maxsize=16)
def _engine(url: str) -> sql.Engine:
    """The engine of one database. It pools no connection: threads and forks may share it, and a server may restart."""
    engine = sql.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sql.NullPool)
    if engine.dialect.name != "sqlite":
        return engine

    @sql.event.listens_for(engine, "do_connect")
    def connect(dialect: sql.Dialect, _: object, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
        return _connected(lambda: dialect.connect(*arguments, **options))

    @sql.event.listens_for(engine, "begin")
    def begin(connection: sql.Connection) -> None:
        connection.exec_driver_sql("begin immediate" if connection.get_execution_options().get("writing") else "begin")

    return engine


@tenacity.retry(
    retry=tenacity.retry_if_exception(lambda error: getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY),
    stop=tenacity.stop_after_delay(WAIT_SECONDS),
    wait=tenacity.wait_random(max=0.05),
    reraise=True,
)
def _connected(connect: Callable[[], Any]) -> Any:
    """A connection to SQLite: beside others or, where the disk has no space for the index that they share, alone.

    Whoever wants to be alone does not wait while reading, as two would wait for each other, but tries again.
    """
    try:
        return _prepared(connect(), PRAGMAS)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_IOERR_SHMSIZE:
            raise
    return _prepared(connect(), (*ALONE, *PRAGMAS))


def _prepared(connection: Any, pragmas: Sequence[str]) -> Any:
    connection.isolation_level = None  # transactions begin below, not when the driver thinks fit
    try:
        for pragma in pragmas:
            connection.execute(f"pragma {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def _begun(engine: sql.Engine, home: Path, *, writing: bool) -> Iterator[sql.Connection]:
    with (
        engine.connect().execution_options(**{"writing": writing, HOME: home}) as connection,
        _transaction(connection, home),
    ):
        yield connection


@contextmanager
def _transaction(connection: sql.Connection, home: Path) -> Iterator[None]:
    heads: list[Head] = []
    with connection.begin():
        if connection.dialect.name == "postgresql":
            if connection.get_execution_options()["writing"]:
                connection.execute(sql.select(sql.func.pg_advisory_xact_lock(POSTGRESQL_LOCK)))
            else:  # every query of a reader sees the same commits, as in SQLite
                connection.exec_driver_sql("set transaction isolation level repeatable read")
        connection.info[HEADS] = heads
        yield
    add_heads(home, heads)


def connected(home: Path, *, writing: bool) -> sql.Connection:
    """A connection to the store of ``home``, which :func:`session` has opened before, for :func:`standing_transaction`."""
    engine = _engine(_url(home))
    return engine.connect().execution_options(**{"writing": writing, HOME: home})


def has_file_alone(connection: sql.Connection) -> bool:
    """Whether a connection keeps every other one out of the file, as long as it is open."""
    driver = connection.connection.driver_connection
    return isinstance(driver, sqlite3.Connection) and driver.execute("pragma locking_mode").fetchone() == ("exclusive",)


@contextmanager
def standing_transaction(connection: sql.Connection) -> Iterator[None]:
    """One transaction on a connection of :func:`connected`. Raises :class:`StoreError` for what the database refuses."""
    home: Path = connection.get_execution_options()[HOME]
    with _whole(home), _transaction(connection, home):
        yield


def _make(home: Path, url: str) -> _Marker:
    """Make the store, or adopt one whose maker was killed before it wrote the marker."""
    private_folder(home)
    if _address(url) == FILE:
        private_file(home / FILE)
    with _begun(_engine(url), home, writing=True) as connection:
        _migrate(connection)
        number = connection.execute(sql.select(IDENTITY.c.id)).scalar()
        if number is None:
            number = uuid.uuid4().hex
            connection.execute(IDENTITY.insert().values(id=number))
    return _mark(home, number, url)


def _mark(home: Path, number: str, url: str) -> _Marker:
    marker = _Marker(number, _address(url))
    write_text(home / MARKER, json.dumps({"id": marker.id, "database": marker.address}))
    return marker


@contextmanager
def fill_store(home: Path, number: str, *, head: str) -> Iterator[sql.Connection]:
    """A writing transaction in a new store of the id ``number`` with the empty tables of migration ``head``.

    Raises :class:`StoreError` for a database that is not empty, and for a migration of a newer perfml.
    """
    url = _url(home)
    with _whole(home):
        if head > HEAD:
            raise StoreError(f"was written by a newer perfml ({head})", where="backup", remedy="update perfml")
        if _address(url) == FILE:
            private_file(home / FILE)
        with _begun(_engine(url), home, writing=True) as connection:
            if _head(connection) is not None:
                raise StoreError(
                    "is not empty", where=_address(url), remedy=f"name an empty database in {URL_VARIABLE}"
                )
            _migrate(connection, to=head)
            yield connection
        _mark(home, number, url)


def _require_file(home: Path, marker: _Marker) -> None:
    """Refuse a database file that is gone: SQLite would make an empty one without a word."""
    if marker.address == FILE and not (home / FILE).is_file():
        raise _lost(home / FILE, "is missing")


def _is_current(connection: sql.Connection, path: Path, marker: _Marker) -> bool:
    """Whether no migration is due. Refuses a store that is empty, another, or of a newer perfml."""
    head = _head(connection)
    if head is None:
        raise _lost(path, "is empty")
    if connection.execute(sql.select(IDENTITY.c.id)).scalar() != marker.id:
        raise _lost(path, "is another store")
    if head > HEAD:
        raise StoreError(f"was written by a newer perfml ({head})", where=str(path), remedy="update perfml")
    return head == HEAD


def _lost(path: Path, problem: str) -> StoreError:
    return StoreError(
        f"{problem}, although this home has a store",
        where=str(path),
        remedy=f"restore it from a backup; {MARKER} beside it names its id",
    )


def _head(connection: sql.Connection) -> str | None:
    """The migration that the database stands at; None for an empty one."""
    if not sql.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(sql.text("select version_num from alembic_version")).scalar()
    return version


def _migrate(connection: sql.Connection, *, to: str = HEAD) -> None:
    """Run the migrations that are due up to ``to``, within a writing transaction; another process may have been first."""
    if _head(connection) == to:
        return
    from alembic import command  # only a store that is not at HEAD needs it
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    command.upgrade(config, to)


def _marker(home: Path) -> _Marker | None:
    path = home / MARKER
    if not path.exists():
        return None
    with reading(path, remedy="restore it from a backup", error=StoreError):
        marker = json.loads(path.read_text(encoding="utf-8"))
        return _Marker(str(marker["id"]), str(marker["database"]))


def _address(url: str) -> str:
    """Where a database lies, without user and password."""
    parsed = sql.make_url(url)
    return FILE if parsed.drivername == "sqlite" else parsed.set(username=None, password=None).render_as_string()


@contextmanager
def _whole(home: Path) -> Iterator[None]:
    """A store that cannot be read or written becomes one :class:`StoreError`."""
    try:
        yield
    except (sql.exc.SQLAlchemyError, OSError) as error:
        raise _store_error(error, _address(_url(home)), home) from error


def _store_error(error: sql.exc.SQLAlchemyError | OSError, address: str, home: Path) -> StoreError:
    path, remedy = (str(home / FILE), REMEDY) if address == FILE else (address, SERVER_REMEDY)
    if isinstance(error, OSError):
        if error.errno in NO_SPACE:
            return StoreFull(path)
        return StoreError(f"cannot be opened ({error.strerror or error})", where=path, remedy=REMEDY)
    if any(text in str(error) for text in FULL):
        return StoreFull(path)
    return StoreError(f"cannot be read ({str(error).splitlines()[0]})", where=path, remedy=remedy)
