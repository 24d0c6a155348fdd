"""Holds: a score that would stand on broken rows is not given."""

from __future__ import annotations

import datetime as dt

from perfml.evidence.sources import Data

LIMIT = 0.05
"""Share of a person's rows of one table that may be quarantined before their scores are held."""


def held_people(data: Data, as_of: dt.date) -> dict[str, str]:
    """Employee -> why, for everyone of whose rows known before ``as_of`` too many are quarantined.

    More than :data:`LIMIT` of one table is too many. A copy of a row that is in use breaks nothing. A row whose date cannot
    be read, and which has no ``known_at`` either, stands at no date and holds nobody.
    """
    broken = data.connection.execute(
        "select table_name, employee_id, count(*) as n, min(rule) as rule from quarantine where employee_id is not null"
        " and coalesce(happened_day, known_day) < ? and known_day < ? and rule <> 'duplicate_key'"
        " group by table_name, employee_id",
        [as_of, as_of],
    ).fetchall()
    held: dict[str, str] = {}
    for table in sorted({row[0] for row in broken}):
        if not data.has(table):
            continue
        people = {row[1]: (row[2], row[3]) for row in broken if row[0] == table}
        sound = dict(
            data.connection.execute(
                f"select employee_id, count(*) from {table} where usable_day < ? and employee_id in (select unnest(?::text[]))"
                " group by employee_id",
                [as_of, list(people)],
            ).fetchall()
        )
        for person, (n, rule) in people.items():
            if n > LIMIT * (n + sound.get(person, 0)):
                held.setdefault(person, f"{table}: {rule}")
    return held
