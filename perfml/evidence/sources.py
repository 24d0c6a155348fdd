"""A company's tables, typed and checked: what cannot be used is quarantined with its rule, never silently mended.

Each usable row gets two days of its own. ``usable_day`` is the later of the day it happened and the day it became known:
it may be used for an as-of date only when ``usable_day < as_of``. ``superseded_day`` is the day from which a correction
(a row with the same key and a later ``known_at``) stands in its place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import duckdb

from perfml.errors import DataError
from perfml.evidence.reading import RawTable, literal, public, quoted, raw_tables, unreadable
from perfml.evidence.reporting_lines import quarantine_cycles
from perfml.project.spec import ColumnType, TableSpec

REPEATED = "case when t.first_day = t.usable_day and t.low <> t.high then 'contradicting_rows' else 'duplicate_key' end"
"""SQL: what is wrong with a row whose key and ``known_at`` stand more than once."""
EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date.max
_MOMENTS = ("DATE", "TIMESTAMP")
_NUMBERS = (
    "DOUBLE",
    "FLOAT",
    "DECIMAL",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)


@dataclass
class Data:
    """An opened source: clean tables as DuckDB tables or views of the contract's names, and what was found on the way."""

    source: str
    connection: duckdb.DuckDBPyConnection
    specs: Mapping[str, TableSpec]
    """The tables that are there."""
    columns: Mapping[str, tuple[str, ...]]
    """Of each table there, the contract's columns that it holds."""
    notices: list[str] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)
    rows_read: dict[str, int] = field(default_factory=dict)
    today: dt.date = dt.date.max
    """The day after which nothing can have happened."""
    origin: str = field(default="", repr=False)
    """What was opened, as it was given: a URL may hold a password, which ``source`` does not show."""

    def has(self, table: str) -> bool:
        """Whether the table is there and usable."""
        return table in self.specs

    def last_usable_day(self) -> dt.date:
        """The latest day on which a row of events, reviews, exits or progress became usable.

        Raises :class:`DataError` where all of them are empty.
        """
        days = [
            self.connection.execute(
                f"select max(usable_day) from {table} where usable_day <= date '{self.today}'"
            ).fetchall()[0][0]
            for table in ("events", "reviews", "exits", "progress")
            if self.has(table)
        ]
        usable = [day for day in days if day is not None]
        if not usable:
            raise DataError("events and reviews are empty", where=self.source, remedy="export at least one of them")
        latest: dt.date = max(usable)
        return latest

    def close(self) -> None:
        """Close the connection and release the files."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_data(
    source: str | Path, tables: Mapping[str, TableSpec], *, today: dt.date | None = None, strict: bool = True
) -> Data:
    """Open ``source`` and check every table of the contract that it holds.

    ``today`` is the day after which nothing can have happened (default: the clock's, UTC).
    Raises :class:`DataError` on the first table that is there but cannot be used; with ``strict=False`` such tables are
    listed in ``problems`` and treated as absent.
    """
    today = today or dt.datetime.now(dt.UTC).date()
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    connection.execute(
        "create table quarantine (table_name text, rule text, column_name text, key text, employee_id text,"
        " happened_day date, known_day date)"
    )
    found, errors = raw_tables(connection, source, tables)
    data = Data(public(str(source)), connection, {}, {}, problems=list(errors), today=today, origin=str(source))
    specs: dict[str, TableSpec] = {}
    columns: dict[str, tuple[str, ...]] = {}
    data.specs, data.columns = specs, columns
    there = {raw.name: raw for raw in found}
    for name, spec in tables.items():
        if name in there and _usable(data, there[name], spec, today):
            specs[name] = spec
            columns[name] = tuple(column for column in spec.columns if column in there[name].columns)
        else:
            _make_empty(connection, name, spec)
    if data.has("positions") and "manager_id" in columns["positions"]:
        quarantine_cycles(connection)
    if strict:
        _require(data)
    return data


def _require(data: Data) -> None:
    if data.problems:
        raise data.problems[0]
    if not data.has("employees"):
        raise DataError("the table 'employees' is missing", where=data.source, remedy="add employees.csv or .parquet")
    if not data.has("events") and not data.has("reviews"):
        raise DataError("neither 'events' nor 'reviews' is there", where=data.source, remedy="add one of the two")


def _usable(data: Data, raw: RawTable, spec: TableSpec, today: dt.date) -> bool:
    """Load the table; where that cannot be, say why in ``data.problems``."""
    missing = [name for name, column in spec.columns.items() if column.required and name not in raw.columns]
    if missing:
        data.problems.append(
            DataError(f"column {missing[0]!r} is missing", where=raw.where, remedy="export it, or take the table away")
        )
        return False
    unknown = sorted(set(raw.columns) - set(spec.columns))
    if unknown:
        data.notices.append(f"{raw.name}: unknown columns ignored: {', '.join(unknown[:8])}")
    try:
        _load(data, raw, spec, today)
    except duckdb.Error as error:
        data.problems.append(unreadable(raw.where, error))
        data.rows_read.pop(raw.name, None)
        data.connection.execute("delete from quarantine where table_name = ?", [raw.name])
        return False
    return True


def _make_empty(connection: duckdb.DuckDBPyConnection, name: str, spec: TableSpec) -> None:
    """A table without rows, so that rules of later tables may look up one that is absent or cannot be used."""
    columns = [f"{quoted(column)} {_sql_type(kind)}" for column, kind in spec.columns.items()]
    own = ["happened_day date", "known_day date", "known_moment timestamp", "usable_day date", "superseded_day date"]
    connection.execute(f"create table {quoted(name)} ({', '.join(columns + own)})")


def _load(data: Data, raw: RawTable, spec: TableSpec, today: dt.date) -> None:
    """Make the clean table ``raw.name``; quarantined rows go to the table ``quarantine``."""
    connection, name = data.connection, raw.name
    there = {column: kind for column, kind in spec.columns.items() if column in raw.columns}
    typed = ", ".join(f"{_typed(column, kind, raw)} as {quoted(column)}" for column, kind in there.items())
    absent = ", ".join(
        f"null::{_sql_type(kind)} as {quoted(column)}" for column, kind in spec.columns.items() if column not in there
    )
    happened = f"t.{quoted(spec.happened)}" if spec.happened else f"timestamp '{EARLIEST}'"
    known = f"coalesce(t.known_at, {happened}::timestamp)" if "known_at" in there else f"{happened}::timestamp"
    unread = ", ".join(
        f"{_given(column, raw)} as {quoted('given_' + column)}" for column, kind in there.items() if kind.type != "text"
    )
    inner = f"select {', '.join(part for part in (typed, absent, unread) if part)} from {raw.relation} raw"
    given = ", ".join(quoted("given_" + column) for column, kind in there.items() if kind.type != "text")
    keyless = name == "events" and ("event_id" not in there)
    broken = _broken(spec, there, happened, known, today)
    select = (
        f"select * {f'exclude ({given})' if given else ''}, {happened}::date as happened_day, {known}::date as known_day, "
        f"{known} as known_moment, {broken} as broken from ({inner}) t"
    )
    big = name == "events" and not raw.is_text
    connection.execute(f"create {'view' if big else 'table'} typed_{name} as {select}")
    key = f"concat_ws(' ', {', '.join(f't.{quoted(k)}::text' for k in spec.key)})"
    person = "t.employee_id" if "employee_id" in spec.columns else "null"
    into = f"insert into quarantine select {literal(name)}, {{rule}}, {{column}}, {key}, {person}, t.happened_day, t.known_day"
    data.rows_read[name] = connection.execute(f"select count(*) from {raw.relation}").fetchall()[0][0]
    refused = connection.execute(
        into.format(rule="split_part(t.broken, ':', 1)", column="nullif(split_part(t.broken, ':', 2), '')")
        + f" from typed_{name} t where t.broken is not null"
    ).fetchall()[0][0]
    clean = f"select * exclude (broken), greatest(happened_day, known_day) as usable_day from typed_{name}"
    if refused:  # else the rules need not be worked out again
        clean += " where broken is null"
    if keyless:
        connection.execute(
            f"create {'view' if big else 'table'} {name} as select *, null::date as superseded_day from ({clean})"
        )
        return
    keys = ", ".join(f"t.{quoted(k)}" for k in spec.key)
    if name == "events":
        _load_keyed_events(connection, clean, into)
        return
    again = f"select 1 from ({clean}) t group by {keys} having count(*) > 1 limit 1"
    if not connection.execute(again).fetchall():  # no duplicates, no corrections: nothing to put in order
        connection.execute(f"create table {name} as select *, null::date as superseded_day from ({clean})")
        connection.execute(f"drop table typed_{name}")
        return
    content = tuple(column for column, kind in there.items() if column != "known_at" and not kind.later)
    later = tuple(column for column, kind in there.items() if kind.later)
    connection.execute(f"create table ranked_{name} as {_ranked(f'({clean})', keys, content, later)}")
    connection.execute(into.format(rule=REPEATED, column="null") + f" from ranked_{name} t where t.copy > 0")
    connection.execute(f"create table {name} as {_versions(f'ranked_{name}', keys)}")
    connection.execute(f"drop table ranked_{name}; drop table typed_{name}")


def _load_keyed_events(connection: duckdb.DuckDBPyConnection, clean: str, into: str) -> None:
    """Only rows whose ``event_id`` stands more than once need an order of versions."""
    connection.execute(
        "create table repeated as select event_id from typed_events where broken is null and event_id is not null"
        " group by event_id having count(*) > 1"
    )
    if not connection.execute("select count(*) from repeated").fetchall()[0][0]:
        connection.execute(f"create view events as select *, null::date as superseded_day from ({clean})")
        return
    columns = ("employee_id", "happened_at", "kind", "value", "counterpart_id", "source")
    some = f"(select * from ({clean}) where event_id in (select event_id from repeated))"
    connection.execute(f"create table ranked_events as {_ranked(some, 't.event_id', columns)}")
    connection.execute(into.format(rule=REPEATED, column="null") + " from ranked_events t where t.copy > 0")
    connection.execute(f"create table versioned_events as {_versions('ranked_events', 't.event_id')}")
    connection.execute(
        f"create view events as select *, null::date as superseded_day from ({clean})"
        " where event_id is null or event_id not in (select event_id from repeated)"
        " union all by name select * from versioned_events"
    )


def _ranked(rows: str, keys: str, content: tuple[str, ...], later: tuple[str, ...] = ()) -> str:
    """``copy``: 0 for the row to keep of those with one key and one ``known_at``, else its number among them.

    The row that was usable first is kept; of rows usable from the same day none is kept when they contradict each other.
    Dates that are seen only once they have come (``later``) contradict nothing, or the future would take away a row of the
    past; of such copies the one with the earliest is kept.
    """
    same = f"partition by {keys}, t.known_moment"
    order = "".join(f", t.{quoted(c)} nulls last" for c in later)
    body = f"hash({', '.join(f't.{quoted(c)}' for c in content)})"
    return (
        f"select *, case when first_day < usable_day then 1 when low <> high then 1 else nth - 1 end as copy from ("
        f"select t.*, min(usable_day) over ({same}) as first_day, min({body}) over ({same}, usable_day) as low, "
        f"max({body}) over ({same}, usable_day) as high,"
        f" row_number() over ({same}, usable_day order by {body}{order}) as nth from {rows} t)"
    )


def _versions(ranked: str, keys: str) -> str:
    return (
        "select t.* exclude (first_day, low, high, nth, copy),"
        f" min(t.usable_day) over (partition by {keys} order by t.known_moment "
        f"rows between 1 following and unbounded following) as superseded_day from {ranked} t where t.copy = 0"
    )


def _sql_type(kind: ColumnType) -> str:
    return {"text": "text", "list": "text[]", "int": "bigint", "bool": "boolean"}.get(kind.type, kind.type)


def _given(column: str, raw: RawTable) -> str:
    """SQL: whether there is any value to be read."""
    value = f"raw.{quoted(column)}"
    return (
        f"nullif(trim({value}), '') is not null" if raw.columns[column].upper() == "VARCHAR" else f"{value} is not null"
    )


def _typed(column: str, kind: ColumnType, raw: RawTable) -> str:
    """SQL that reads the column, null where the value is not of its type."""
    value, stored = f"raw.{quoted(column)}", raw.columns[column].upper()
    text = f"nullif(trim({value}::text), '')"
    if kind.type == "text":
        if stored in ("DOUBLE", "FLOAT"):  # whole ids, some of them missing, as data frames write them
            return f"coalesce(case when {value} = round({value}) then try_cast({value} as bigint) end::text, {text})"
        if stored == "VARCHAR" and not raw.is_text:  # an empty one that is required is refused, so left as it is
            return value if kind.required else f"nullif({value}, '')"
        return text
    if kind.type == "list":
        return (
            f"{value}::text[]"
            if stored.endswith("[]")
            else f"[trim(x) for x in string_split({text}, ';') if trim(x) <> '']"
        )
    if kind.type in ("date", "timestamp"):
        if stored == "TIMESTAMP WITH TIME ZONE" or stored.startswith(_MOMENTS):
            moment = f"{value}::timestamp"
        else:
            moment = f"try_cast({text} as timestamptz)::timestamp"
        return moment if kind.type == "timestamp" else f"{moment}::date"
    if kind.type == "bool":
        return value if stored == "BOOLEAN" else f"try_cast({text} as boolean)"
    number = f"{value}::double" if stored.startswith(_NUMBERS) else f"try_cast({text} as double)"
    finite = number if stored.startswith(_NUMBERS[2:]) else f"case when isfinite({number}) then {number} end"
    return (
        finite
        if kind.type == "double"
        else f"case when {finite} = round({finite}) then try_cast({finite} as bigint) end"
    )


def _broken(spec: TableSpec, there: Mapping[str, ColumnType], happened: str, known: str, today: dt.date) -> str:
    """SQL: null for a usable row, else ``rule`` or ``rule:column`` of the first rule it breaks."""
    cases = []
    for column, kind in there.items():
        name = f"t.{quoted(column)}"
        if kind.type != "text":
            cases.append((f"{name} is null and t.{quoted('given_' + column)}", f"wrong_type:{column}"))
        if kind.required:
            cases.append(
                (f"{name} is null" + (f" or {name} = ''" if kind.type == "text" else ""), f"missing_value:{column}")
            )
        if kind.type in ("date", "timestamp"):
            cases.append((f"{name} < date '{EARLIEST}'", f"before_1900:{column}"))
            if column != "known_at" and (spec.planned or column != spec.happened):
                cases.append((f"{name} > date '{LATEST}'", f"past_9999:{column}"))
    tomorrow = today + dt.timedelta(days=1)
    if spec.happened and not spec.planned:
        cases.append((f"{happened} >= date '{tomorrow}'", f"in_the_future:{spec.happened}"))
    if "known_at" in there:
        cases.append((f"t.known_at >= timestamp '{tomorrow}'", "in_the_future:known_at"))
    if spec.scale:
        cases.append((f"t.rating not between {spec.scale.worst} and {spec.scale.best}", "off_the_scale:rating"))
    if spec.value_decimals is not None and "value" in there:
        cases.append((f"abs(t.value) >= {10 ** (15 - spec.value_decimals)}", "too_large_to_sum:value"))
    cases += [(f"({rule.when})", name) for name, rule in spec.rules.items()]
    whens = " ".join(f"when {condition} then {literal(label)}" for condition, label in cases)
    return f"(case {whens} end)"
