"""The rows behind a value: which events, reviews or goals it was computed from, as known before the as-of date.

For a value of the log these are exactly the rows that were counted; for what the rest of a team has together there are none,
because no one should read who of them it was. For a value of ``features/*.sql`` they are the person's
own rows in the tables it reads; rows of other people that it counts (who left a team) are not shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from perfml.errors import PerfmlError
from perfml.evidence.columns import Column
from perfml.evidence.log.traces import ColumnTrace, EventTrace, trace_of
from perfml.evidence.log.windows import Plan, compile_windows
from perfml.evidence.snapshots import KNOWN, hidden_columns, make_snapshots, visible
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.project.folder import Definitions
from perfml.project.table_spec import TableSpec


def rows_behind(
    data: Data,
    definitions: Definitions,
    column: Column,
    *,
    employee_id: str,
    as_of: dt.date,
    kinds: Sequence[str],
    most: int = 50,
) -> dict[str, pd.DataFrame]:
    """Table → the employee's rows behind ``column`` at ``as_of``, at most ``most`` of each, newest first.

    An event done by somebody else has that person as ``employee_id``. A comparison has the rows of the column it compares.
    ``kinds``: the kinds of the log the model was trained with. Tables without a row are left out. Raises
    :class:`PerfmlError` if no definition produces the column any more.
    """
    name = column.compares or column.name
    trace = trace_of(definitions, plan_of(data, definitions, kinds), name)
    if trace is None:
        raise PerfmlError(
            "no definition produces this column", where=name, remedy="restore the file in features/ that produced it"
        )
    make_snapshots(data, [as_of])
    return _of_trace(data, trace, employee_id=employee_id, as_of=as_of, most=most)


def without_others(rows: pd.DataFrame, spec: TableSpec, employee_id: str) -> pd.DataFrame:
    """Rows as the employee and their manager are shown them: without other people, such as who gave feedback.

    What somebody else did has its day alone: to the second, it could be looked up among the rows of whoever did it.
    """
    shown = rows.astype(object).where(rows.notna(), None)
    for name in [name for name, column in spec.columns.items() if column.others and name in shown]:
        shown[name] = shown[name].where(shown[name] == employee_id, None)
    if "employee_id" in shown:
        by_others = shown["employee_id"] != employee_id
        hidden = [name for name in ("employee_id", *spec.key) if name in shown]
        shown.loc[by_others, hidden] = None
        if spec.happened in shown:
            shown.loc[by_others, spec.happened] = pd.to_datetime(shown.loc[by_others, spec.happened]).dt.normalize()
    return shown


def plan_of(data: Data, definitions: Definitions, kinds: Sequence[str]) -> Plan:
    """The windowed columns over the log of ``data``; none where it has no log."""
    if not data.has("events"):
        return Plan((), ())
    return compile_windows(definitions.windowed, kinds, has_counterparts="counterpart_id" in data.columns["events"])


def _of_trace(
    data: Data, trace: ColumnTrace, *, employee_id: str, as_of: dt.date, most: int
) -> dict[str, pd.DataFrame]:
    parts: dict[str, list[pd.DataFrame]] = {}
    for events in trace.events:
        parts.setdefault("events", []).append(_events(data, events, employee_id=employee_id, as_of=as_of, most=most))
    for table in trace.tables:
        rows = _known(data, table, employee_id=employee_id, most=most) if _available(data, table) else None
        if rows is not None:
            parts.setdefault(table, []).append(rows)
    merged = {
        table: frames[0] if len(frames) == 1 else _newest(data, table, frames, most=most)
        for table, frames in parts.items()
    }
    return {table: merged[table] for table in sorted(merged) if len(merged[table])}


def _available(data: Data, table: str) -> bool:
    return table == "people" or data.has(table)


def _events(data: Data, trace: EventTrace, *, employee_id: str, as_of: dt.date, most: int) -> pd.DataFrame:
    """Rows of the log that were counted, as the person who acted and as the counterpart."""
    parts: list[str] = []
    given: list[object] = []
    for who, kinds in (("employee_id", trace.own), ("counterpart_id", trace.received)):
        if kinds is not None:
            named = f"t.kind {'not ' if kinds.others else ''}in (select unnest(?::text[]))"
            parts.append(f"(t.{who} = ? and {trace.where or 'true'} and {named})")
            given += [employee_id, list(kinds.kinds)]
    others = "and t.counterpart_id is not null" if trace.met else ""
    valued = "and t.value is not null" if trace.valued else ""
    since = f"and t.happened_day >= a.as_of - {trace.days}" if trace.days else ""
    latest = f"qualify dense_rank() over (order by t.happened_day desc) <= {trace.last_days}" if trace.last_days else ""
    return data.connection.execute(
        f"select t.* exclude ({hidden_columns(data, 'events')}) from main.events t, (select ?::date as as_of) a"
        f" where {visible('t')} {since} {others} {valued}"
        f" and ({' or '.join(parts) or 'false'}) {latest}"
        f" order by t.happened_at desc{', t.value desc' if trace.valued else ''}"
        f" limit {min(most, trace.last or most)}",
        [as_of, *given],
    ).df()


def _newest(data: Data, table: str, parts: Sequence[pd.DataFrame], *, most: int) -> pd.DataFrame:
    """The distinct rows of ``parts``, at most ``most``, newest first."""
    rows = pd.concat(parts).drop_duplicates()
    happened = data.specs[table].happened if table in data.specs else None
    return (rows.sort_values(happened, ascending=False, kind="stable") if happened else rows).head(most)


def _known(data: Data, table: str, *, employee_id: str, most: int) -> pd.DataFrame | None:
    """Rows of one person in an as-of view, by owner for a table keyed by goal; None for a table that names no person."""
    if table == "people":
        return data.connection.execute(
            "select * exclude (as_of) from temp.people where employee_id = ?", [employee_id]
        ).df()
    columns = data.columns[table]
    if "employee_id" in columns:
        whose = "t.employee_id = ?"
    elif "goal_id" in columns and data.has("goals"):
        whose = f"exists (select 1 from {KNOWN}.goals g where g.goal_id = t.goal_id and g.employee_id = ?)"
    else:
        return None
    happened = data.specs[table].happened
    order = f"order by t.{quoted(happened)} desc" if happened else ""
    return data.connection.execute(
        f"select t.* exclude (as_of) from {KNOWN}.{quoted(table)} t where {whose} {order} limit {most}", [employee_id]
    ).df()
