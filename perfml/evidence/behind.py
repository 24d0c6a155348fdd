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
from perfml.evidence.log.windows import Plan, Side, WindowColumn, compile_windows
from perfml.evidence.snapshots import KNOWN, hidden_columns, make_snapshots, visible
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.project.feature_spec import COUNTERPART_MEASURES
from perfml.project.folder import Definitions


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
    make_snapshots(data, [as_of])
    return _behind(data, definitions, name, employee_id=employee_id, as_of=as_of, kinds=kinds, most=most)


def _behind(
    data: Data,
    definitions: Definitions,
    name: str,
    *,
    employee_id: str,
    as_of: dt.date,
    kinds: Sequence[str],
    most: int,
) -> dict[str, pd.DataFrame]:
    if data.has("events"):
        plan = compile_windows(definitions.windowed, kinds, has_counterparts="counterpart_id" in data.columns["events"])
        for column in plan.columns:
            if name in [column.column.of_team(summary).name for summary in column.team]:
                return {}
            if column.column.name == name:
                events = _events(data, plan, column, employee_id=employee_id, as_of=as_of, most=most)
                return {"events": events} if len(events) else {}
    for file in definitions.relational:
        if name in file.spec.columns and file.spec.reads:
            parts = [
                _behind(data, definitions, read, employee_id=employee_id, as_of=as_of, kinds=kinds, most=most)
                for read in file.spec.reads
            ]
            return {
                table: _newest(data, table, [part[table] for part in parts if table in part], most=most)
                for table in sorted({table for part in parts for table in part})
            }
        if name in file.spec.columns:
            known = {
                table: _known(data, table, employee_id=employee_id, most=most)
                for table in file.spec.needs
                if table == "people" or data.has(table)
            }
            return {table: rows for table, rows in known.items() if rows is not None and len(rows)}
    raise PerfmlError(
        "no definition produces this column", where=name, remedy="restore the file in features/ that produced it"
    )


def _events(
    data: Data, plan: Plan, column: WindowColumn, *, employee_id: str, as_of: dt.date, most: int
) -> pd.DataFrame:
    """Rows of the log in the channels that were counted, as the person who acted and as the counterpart."""
    if column.measure in COUNTERPART_MEASURES:
        sides: tuple[Side, ...] = ("own", "received") if column.side == "either" else (column.side,)
        channels = [channel for side in sides for channel in plan.meetings(side, column.kinds)]
    else:
        channels = plan.channels(column)
    parts: list[str] = []
    given: list[object] = []
    for who, first in (("employee_id", 0), ("counterpart_id", plan.n_channels)):
        indexes = [channel - first for channel in channels if first <= channel < first + plan.n_channels]
        met = "true"
        if indexes and (condition := plan.condition(indexes[0])) is not None:
            indexes, met = list(condition.kinds), condition.sql
        if indexes:
            named = [plan.kinds[index] for index in indexes if index < len(plan.kinds)]
            rest = "or t.kind not in (select unnest(?::text[]))" if len(plan.kinds) in indexes else ""
            parts.append(f"(t.{who} = ? and {met} and (t.kind in (select unnest(?::text[])) {rest}))")
            given += [employee_id, named, *([list(plan.kinds)] if rest else [])]
    others = "and t.counterpart_id is not null" if column.measure in COUNTERPART_MEASURES else ""
    days = column.past_days or column.window_days
    since = f"and t.happened_day >= a.as_of - {days}" if days else ""
    return data.connection.execute(
        f"select t.* exclude ({hidden_columns(data, 'events')}) from main.events t, (select ?::date as as_of) a"
        f" where {visible('t')} {since} {others}"
        f" and ({' or '.join(parts) or 'false'}) order by t.happened_at desc limit {most}",
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
