"""Cycles in the reporting line: quarantine the row that closes one and keep the earlier rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter

import duckdb


def quarantine_cycles(connection: duckdb.DuckDBPyConnection) -> None:
    """Move each row that would make someone report to themselves from ``positions`` to ``quarantine``.

    Rows take effect in the order in which they became usable, so that a later row never changes the verdict on an earlier
    one. Rows of one day take effect together, so that two people may swap positions. A row that became known after a later
    position had taken effect is history and does not change the reporting line.
    """
    rows = connection.execute(
        "select usable_day, employee_id, effective_on, known_moment, manager_id from positions"
        " order by usable_day, effective_on, known_moment, employee_id"
    ).fetchall()
    manager: dict[str, str | None] = {}
    since: dict[str, dt.date] = {}
    closing = []
    for _, of_one_day in groupby(rows, key=itemgetter(0)):
        before: dict[str, tuple[dt.date, dt.datetime, str | None]] = {}
        for _, employee, effective, known, boss in of_one_day:
            if effective >= since.get(employee, effective):
                before[employee] = (effective, known, manager.get(employee))
                since[employee], manager[employee] = effective, boss
        for employee in sorted(before, reverse=True):
            if _reports_to_self(employee, manager):
                effective, known, manager[employee] = before[employee]
                closing.append((employee, effective, known))
    for employee, effective, known in closing:
        which = "employee_id = ? and effective_on = ? and known_moment = ?"
        connection.execute(
            "insert into quarantine select 'positions', 'cycle_of_managers', 'manager_id', employee_id || ' ' || effective_on,"
            f" employee_id, happened_day, known_day, manager_id, null, null from positions where {which}",
            [employee, effective, known],
        )
        connection.execute(f"delete from positions where {which}", [employee, effective, known])
        connection.execute(
            "update positions p set superseded_day = (select min(q.usable_day) from positions q"
            " where q.employee_id = p.employee_id and q.effective_on = p.effective_on and q.known_moment > p.known_moment)"
            " where p.employee_id = ? and p.effective_on = ?",
            [employee, effective],
        )


def _reports_to_self(employee: str, manager: Mapping[str, str | None]) -> bool:
    seen = set()
    above = manager.get(employee)
    while above is not None and above not in seen:
        if above == employee:
            return True
        seen.add(above)
        above = manager.get(above)
    return False
