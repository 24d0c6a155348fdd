"""A raw table becomes a clean one: typed, checked, its faulty rows in quarantine, its versions in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from perfml.evidence.tables.reading import RawTable, literal, quoted
from perfml.evidence.tables.typed_rows import faults, present, sql_type, typed_rows
from perfml.evidence.tables.versions import COPY_RULE, ranked_copies, repeats_keys, single_versions, versions
from perfml.evidence.withheld.fact import WithheldFact
from perfml.evidence.withheld.rows import as_they_stand
from perfml.project.table_spec import TableSpec

EVENT_CONTENT = ("employee_id", "happened_at", "kind", "value", "counterpart_id", "source")


def make_quarantine(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``quarantine``, empty."""
    connection.execute(
        "create table quarantine (table_name text, rule text, column_name text, key text, employee_id text,"
        " happened_day date, known_day date, value text, file text, row_in_file bigint)"
    )


def make_empty(connection: duckdb.DuckDBPyConnection, name: str, spec: TableSpec) -> None:
    """Make a table without rows, so that rules of later tables may look up one that is absent or cannot be used."""
    columns = [f"{quoted(column)} {sql_type(kind)}" for column, kind in spec.columns.items()]
    days = ["happened_day date", "known_day date", "known_moment timestamp", "usable_day date", "superseded_day date"]
    connection.execute(f"create table {quoted(name)} ({', '.join(columns + days)})")


def load(
    connection: duckdb.DuckDBPyConnection,
    raw: RawTable,
    spec: TableSpec,
    *,
    today: dt.date,
    withheld: Sequence[WithheldFact] = (),
) -> int:
    """Make the clean table ``raw.name`` and add its faulty rows to ``quarantine``; return the number of rows read.

    Rows that are ``withheld`` are in neither.
    """
    name, loading = raw.name, _Loading(connection, raw, spec)
    kind = "view" if name == "events" and not raw.is_text else "table"  # a large log stays in its files
    typed = as_they_stand(typed_rows(raw, spec, today=today), name, spec, withheld)
    connection.execute(f"create {kind} typed_{name} as {typed}")
    rows: int = connection.execute(f"select count(*) from {raw.relation}").fetchall()[0][0]
    faulty = f"insert into quarantine {quarantined_rows(raw, spec, f'typed_{name}')}"
    refused = connection.execute(faulty).fetchall()[0][0]
    clean = clean_rows(raw, f"typed_{name}", refused=bool(refused))
    if name != "events":
        loading.finish(clean)
    elif "event_id" in raw.columns:
        loading.finish_keyed_events(clean)
    else:
        connection.execute(f"create {kind} events as {single_versions(clean)}")
    return rows


def clean_rows(raw: RawTable, typed: str, *, refused: bool) -> str:
    """SQL: the usable rows of ``typed`` (:func:`typed_rows`), each with the day from which it may be used.

    ``refused``: whether any row breaks a rule; otherwise the rules need not be evaluated again.
    """
    hidden = ", ".join(filter(None, ("broken", *faults(raw).values())))
    clean = f"select * exclude ({hidden}), greatest(happened_day, known_day) as usable_day from {typed}"
    return f"{clean} where broken is null" if refused else clean


def quarantined_rows(raw: RawTable, spec: TableSpec, typed: str) -> str:
    """SQL: the rows of ``typed`` that break a rule, as they stand in ``quarantine``."""
    rule, column = "split_part(t.broken, ':', 1)", "nullif(split_part(t.broken, ':', 2), '')"
    fault = tuple(column or "null" for column in faults(raw).values())
    return _quarantined(raw, spec, f"{typed} t where t.broken is not null", rule=rule, column=column, fault=fault)


def _quarantined(
    raw: RawTable,
    spec: TableSpec,
    rows: str,
    *,
    rule: str,
    column: str = "null",
    fault: Sequence[str] = ("null", "null", "null"),
) -> str:
    """SQL: ``rows`` (SQL after ``from``, called ``t``) as they stand in ``quarantine``; ``fault``: the value that is wrong, its
    file and its row there."""
    key = f"concat_ws(' ', {', '.join(f't.{quoted(k)}::text' for k in spec.key)})"
    person = "t.employee_id" if "employee_id" in spec.columns else "null"
    return (
        f"select {literal(raw.name)}, {rule}, {column}, {key}, {person}, t.happened_day, t.known_day, {', '.join(fault)}"
        f" from {rows}"
    )


@dataclass(frozen=True)
class _Loading:
    """One table while it is loaded."""

    connection: duckdb.DuckDBPyConnection
    raw: RawTable
    spec: TableSpec

    def finish(self, clean: str) -> None:
        """Make the table from its ``clean`` rows, with versions in order where a key is repeated."""
        execute, name, key = self.connection.execute, self.raw.name, self.spec.key
        if not execute(repeats_keys(clean, key)).fetchall():
            execute(f"create table {name} as {single_versions(clean)}")
            execute(f"drop table typed_{name}")
            return
        columns = present(self.raw, self.spec)
        content = [column for column, kind in columns.items() if column != "known_at" and not kind.later]
        later = [column for column, kind in columns.items() if kind.later]
        execute(f"create table ranked_{name} as {ranked_copies(clean, key, content=content, later=later)}")
        copies = _quarantined(self.raw, self.spec, f"ranked_{name} t where t.copy > 0", rule=COPY_RULE)
        execute(f"insert into quarantine {copies}")
        execute(f"create table {name} as {versions(f'ranked_{name}', key)}")
        execute(f"drop table ranked_{name}; drop table typed_{name}")

    def finish_keyed_events(self, clean: str) -> None:
        """Make ``events``; only the rows whose ``event_id`` is repeated are ranked, as the log is long."""
        execute = self.connection.execute
        execute(
            "create table repeated as select event_id from typed_events where broken is null and event_id is not null"
            " group by event_id having count(*) > 1"
        )
        if not execute("select count(*) from repeated").fetchall()[0][0]:
            execute(f"create view events as {single_versions(clean)}")
            return
        execute(f"create table versioned as select * from ({clean}) where event_id in (select event_id from repeated)")
        rank_events(self.connection, self.raw, self.spec, clean, repeated="versioned")
        execute("drop table versioned")


def rank_events(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, spec: TableSpec, clean: str, *, repeated: str
) -> None:
    """Make the view ``events`` from its ``clean`` rows; ``repeated`` is the table of those whose key stands in the table
    ``repeated``, of which the versions are put in order."""
    key = ("event_id",)
    ranked = ranked_copies(f"select * from {repeated}", key, content=EVENT_CONTENT)
    connection.execute(f"create table ranked_events as {ranked}")
    copies = _quarantined(raw, spec, "ranked_events t where t.copy > 0", rule=COPY_RULE)
    connection.execute(f"insert into quarantine {copies}")
    connection.execute(f"create table versioned_events as {versions('ranked_events', key)}")
    connection.execute(
        f"create view events as {single_versions(clean)}"
        " where event_id is null or event_id not in (select event_id from repeated)"
        " union all by name select * from versioned_events"
    )
