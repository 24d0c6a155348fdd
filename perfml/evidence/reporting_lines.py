"""Cycles in the reporting line: the row that closes one is quarantined, the rows before it stay."""

from __future__ import annotations

import datetime as dt

import duckdb


def quarantine_cycles(connection: duckdb.DuckDBPyConnection) -> None:
    """Move from ``positions`` to ``quarantine`` each row by which someone would come to report to themselves.

    Rows take effect in the order in which they became usable, so that a row of tomorrow never changes yesterday's; one that
    was learnt after a later position had taken effect is history, and no part of the line.
    """
    rows = connection.execute(
        "select employee_id, effective_on, known_moment, manager_id from positions"
        " order by usable_day, effective_on, known_moment, employee_id"
    ).fetchall()
    manager: dict[str, str] = {}
    since: dict[str, dt.date] = {}
    closing = []
    for employee, effective, known, boss in rows:
        if effective < since.get(employee, effective):
            continue
        above = boss
        while above is not None and above != employee:
            above = manager.get(above)
        if above is not None:
            closing.append((employee, effective, known))
            continue
        since[employee] = effective
        if boss is None:
            manager.pop(employee, None)
        else:
            manager[employee] = boss
    for employee, effective, known in closing:
        which = "employee_id = ? and effective_on = ? and known_moment = ?"
        connection.execute(
            "insert into quarantine select 'positions', 'cycle_of_managers', 'manager_id', employee_id || ' ' || effective_on,"
            f" employee_id, happened_day, known_day from positions where {which}",
            [employee, effective, known],
        )
        connection.execute(f"delete from positions where {which}", [employee, effective, known])
        connection.execute(
            "update positions p set superseded_day = (select min(q.usable_day) from positions q where q.employee_id = p.employee_id"
            " and q.effective_on = p.effective_on and q.known_moment > p.known_moment) where p.employee_id = ? and p.effective_on = ?",
            [employee, effective],
        )
