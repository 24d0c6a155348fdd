"""A company's tables, typed and checked: a row that cannot be used is quarantined with its rule, never silently repaired.

Each usable row gets two days. ``usable_day`` is the later of the day it happened and the day it became known: it may be used
for an as-of date only when ``usable_day < as_of``. ``superseded_day`` is the day from which a correction (a row with the same
key and a later ``known_at``) replaces it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar, cast

import duckdb
import pyarrow as pa

from perfml.errors import DataError, MissingTables
from perfml.evidence.engines import RemoteEngine
from perfml.evidence.exports.mapped import missing_columns
from perfml.evidence.exports.opening import raw_tables
from perfml.evidence.exports.packets import Inbox
from perfml.evidence.exports.retrying import read_again
from perfml.evidence.tables.loading import load, make_empty, make_quarantine
from perfml.evidence.tables.reading import RawTable, unreadable
from perfml.evidence.tables.reporting_lines import quarantine_cycles
from perfml.evidence.tables.secrets import public
from perfml.evidence.withheld.fact import Withheld
from perfml.messages import Message, chain
from perfml.project.mapping_spec import MappingSpec
from perfml.project.spec import EngineSettings
from perfml.project.table_spec import TableSpec

if TYPE_CHECKING:
    from perfml.evidence.kept_log import KeptLog

T = TypeVar("T")
LOG_DAYS, HIDDEN_LOG_DAYS = "log_days", "hidden_log_days"
"""The table that counts the rows of a kept log, or of one that is read elsewhere, by day, kind and unit."""
MOST_NAMED = 8
"""Unknown columns of a table that a notice names, at most."""


@dataclass(kw_only=True)
class Data:
    """An opened source: clean tables as DuckDB tables or views of the contract's names, and what is wrong with it."""

    source: str
    connection: duckdb.DuckDBPyConnection
    specs: dict[str, TableSpec] = field(default_factory=dict)
    """The usable tables."""
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The contract's columns that each usable table has."""
    notices: list[Message] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)
    """Why tables cannot be used."""
    rows_read: dict[str, int] = field(default_factory=dict)
    today: dt.date = dt.date.max
    """The day after which nothing can have happened."""
    origin: str = field(default="", repr=False)
    """The source as it was given: a URL may hold a password, which ``source`` does not show."""
    mappings: Mapping[str, MappingSpec] = field(default_factory=dict)
    """How its tables were read (files of ``sources/``); the others stand under their own names."""
    inbox: Inbox = field(default_factory=dict)
    """The packets whose rows were read with it."""
    withheld: Withheld = field(default_factory=Withheld)
    """Facts that were taken out or corrected when it was opened."""

    engine: RemoteEngine | None = None
    """What computes evidence elsewhere; None: DuckDB on this machine."""
    kept_log: KeptLog | None = None
    """What is kept of the log from night to night, and serves one as-of date; None: the log is read."""
    hidden: list[str] = field(default_factory=list)
    """Conditions on a row ``e`` of the log that a measurement hides for a while; see :mod:`perfml.evidence.holes.planted`."""

    computed: dict[Hashable, object] = field(default_factory=dict, repr=False)
    """What was computed from the tables, for :meth:`once`."""
    newest: dict[str, tuple[object, object]] = field(default_factory=dict, repr=False)
    """For :meth:`once_in_a_row`: what each is called -> of what, and what was computed."""
    lent: bool = False
    """Whether who opened it closes it."""

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What ``compute`` makes of the tables, which stay what they are while the source is open."""
        whole = (key, tuple(self.hidden))
        if whole not in self.computed:
            self.computed[whole] = compute()
        return cast(T, self.computed[whole])

    def once_in_a_row(self, name: str, of: object, compute: Callable[[], T]) -> T:
        """Like :meth:`once`, for what is large: of each ``name`` only the newest is held, until it is asked for ``of`` something
        else."""
        whole = (of, tuple(self.hidden))
        if name not in self.newest or self.newest[name][0] != whole:
            self.newest.pop(name, None)  # it need not be held while the next is computed
            self.newest[name] = whole, compute()
        return cast(T, self.newest[name][1])

    def query(self, sql: str) -> pa.Table:
        """The rows of a SELECT in DuckDB's SQL, about the log too, wherever that lies; few enough for memory."""
        return self.engine.query(sql) if self.engine else self.connection.sql(sql).to_arrow_table()

    def complete_quarantine(self) -> None:
        """Add the rows of a log that lies elsewhere to the table ``quarantine``, unless they are there."""
        if self.engine is not None and self.log_lies_elsewhere:
            self.once("quarantine of the log", self.engine.add_quarantined)

    @property
    def whole_kept_log(self) -> KeptLog | None:
        """:attr:`kept_log`, unless rows of it are :attr:`hidden`, which what is kept has in its sums."""
        return None if self.hidden else self.kept_log

    @property
    def log_lies_elsewhere(self) -> bool:
        """Whether rows of the log are only read by :attr:`engine`."""
        return self.engine is not None and self.whole_kept_log is None and self.has("events")

    @property
    def counts_log_days(self) -> bool:
        """Whether the table :attr:`log_days_table` counts the rows of the log."""
        return self.engine is not None or self.whole_kept_log is not None

    @property
    def log_days_table(self) -> str:
        """The table that counts the rows of the log: one of its own while some are :attr:`hidden`."""
        return HIDDEN_LOG_DAYS if self.hidden else LOG_DAYS

    @property
    def log_days(self) -> str:
        """SQL: how many rows of the log (``n``) of each ``kind`` happened and became usable on which days; where they are not
        counted, its rows one by one."""
        if self.counts_log_days:
            return f"select kind, happened_day, usable_day, n from {self.log_days_table}"
        return "select kind, happened_day, usable_day, 1 as n from events"

    def has(self, table: str) -> bool:
        """Whether the table exists and is usable."""
        return table in self.specs

    def require(self, *tables: str, remedy: str) -> None:
        """Raise :class:`MissingTables` unless at least one of ``tables`` is usable."""
        if not any(map(self.has, tables)):
            names = " and ".join(map(repr, tables))
            problem = f"the tables {names} are missing" if len(tables) > 1 else f"the table {names} is missing"
            raise MissingTables(problem, where=self.source, remedy=remedy)

    def last_usable_day(self) -> dt.date:
        """The latest day on which a row of events, reviews, exits or progress became usable.

        Raises :class:`DataError` where all of them are empty.
        """
        days = [
            self.query(f"select max(usable_day) as day from {rows} where usable_day <= date '{self.today}'")
            .column("day")[0]
            .as_py()
            for table, rows in (
                ("events", f"({self.log_days}) log"),
                ("reviews", "reviews"),
                ("exits", "exits"),
                ("progress", "progress"),
            )
            if self.has(table)
        ]
        usable = [day for day in days if day is not None]
        if not usable:
            raise DataError("events and reviews are empty", where=self.source, remedy="export at least one of them")
        latest: dt.date = max(usable)
        return latest

    def lend(self) -> Data:
        """The same open tables, for a reader that must not close them."""
        return replace(self, lent=True)

    def close(self) -> None:
        """Close the connection and release the files, unless they are lent."""
        if self.lent:
            return
        if self.engine is not None:
            self.engine.close()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_data(
    source: str | Path,
    tables: Mapping[str, TableSpec],
    *,
    mappings: Mapping[str, MappingSpec] | None = None,
    inbox: Inbox | None = None,
    today: dt.date | None = None,
    strict: bool = True,
    withheld: Withheld | None = None,
    kept_log: KeptLog | None = None,
    engine: EngineSettings | None = None,
) -> Data:
    """Open ``source`` and check every table of the contract that it has, under its own name or as ``mappings`` make it, with
    the packets of ``inbox``.

    ``today`` is the day after which nothing can have happened (default: the clock's, UTC); ``withheld``: facts that are not
    used as they stand; ``kept_log``: what is kept of the log, so that only what is new of it is read; ``engine``: what computes
    evidence, DuckDB by default; on Spark only the cluster reads the log. A source that is away for a moment is read again
    (:func:`read_again`). Raises :class:`DataError` on the first table that cannot be used; with ``strict=False`` such tables are
    listed in ``problems`` and treated as absent.
    """

    def read() -> Data:
        return _read(
            source,
            tables,
            mappings=mappings or {},
            inbox=inbox or {},
            today=today,
            withheld=withheld,
            kept_log=kept_log,
            engine=engine,
        )

    data = read_again(read)
    if strict:
        _require_main_tables(data)
    return data


def _read(
    source: str | Path,
    tables: Mapping[str, TableSpec],
    *,
    mappings: Mapping[str, MappingSpec],
    inbox: Inbox,
    today: dt.date | None,
    withheld: Withheld | None,
    kept_log: KeptLog | None,
    engine: EngineSettings | None,
) -> Data:
    """Read ``source`` once, see :func:`open_data`."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
    with suppress(
        duckdb.InvalidInputException
    ):  # in a notebook without ipywidgets there is no bar, and no setting of it
        connection.execute("set enable_progress_bar = false")
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    make_quarantine(connection)
    raw, errors, notices = raw_tables(connection, source, tables, mappings, inbox=inbox)
    data = Data(
        source=public(str(source)),
        connection=connection,
        notices=notices,
        problems=errors,
        today=today or dt.datetime.now(dt.UTC).date(),
        origin=str(source),
        mappings=mappings,
        inbox=inbox,
        withheld=withheld or Withheld(),
    )
    available = {table.name: table for table in raw}
    for name, spec in tables.items():
        read_log = None
        if name == "events" and engine is not None and engine.name == "spark":
            from perfml.evidence.engines.spark import SparkEngine  # an optional extra

            data.engine = spark = SparkEngine(data, engine, spec)
            read_log = spark.read_log
        if name in available and _load(data, available[name], spec, kept_log, read_log=read_log):
            data.specs[name] = spec
            data.columns[name] = tuple(column for column in spec.columns if column in available[name].columns)
        else:
            make_empty(connection, name, spec)
        if name == "positions" and data.has(name) and "manager_id" in data.columns[name]:
            quarantine_cycles(connection)
    return data


def _require_main_tables(data: Data) -> None:
    if data.problems:
        raise data.problems[0]
    data.require("employees", remedy="add employees.csv or .parquet, or map an export with `perfml map`")
    data.require("events", "reviews", remedy="add one of the two")


def _load(
    data: Data,
    raw: RawTable,
    spec: TableSpec,
    kept_log: KeptLog | None,
    *,
    read_log: Callable[[RawTable, int | None], int] | None,
) -> bool:
    """Load the table, the log from ``kept_log`` where it is kept there, or by ``read_log``, which is told how many rows are kept;
    where it cannot be used, add the reason to ``data.problems``."""
    missing = [name for name, column in spec.columns.items() if column.required and name not in raw.columns]
    if missing:
        data.problems.append(
            missing_columns(missing, raw.columns, where=raw.where, remedy="export it, or map it in `sources/`")
        )
        return False
    unknown = sorted(set(raw.columns) - set(spec.columns))
    if unknown:
        columns = chain("listed", unknown[:MOST_NAMED])
        data.notices.append(Message.of("columns_ignored", table=raw.name, columns=columns))
    try:
        rows = None
        if raw.name == "events" and kept_log is not None:
            rows = kept_log.load(
                data.connection,
                raw,
                spec,
                today=data.today,
                withheld=data.withheld.facts,
                has_positions=data.has("positions"),
                beside=data.engine,
            )
            data.kept_log = None if rows is None else kept_log
        if read_log is not None:
            rows = read_log(raw, rows)
        if rows is None:
            rows = load(data.connection, raw, spec, today=data.today, withheld=data.withheld.facts)
        data.rows_read[raw.name] = rows
    except duckdb.Error as error:
        data.problems.append(unreadable(raw.where, error))
        data.connection.execute("delete from quarantine where table_name = ?", [raw.name])
        return False
    return True
