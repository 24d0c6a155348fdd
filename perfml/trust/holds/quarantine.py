"""Holds on people too many of whose rows are quarantined, computed from the data."""

from __future__ import annotations

import datetime as dt

from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import literal
from perfml.evidence.tables.rules import rule_text
from perfml.messages import Message
from perfml.trust.holds.hold import Hold

LIMIT = 0.05
"""Share of a person's rows of one table that may be quarantined before their scores are held."""


def quarantine_holds(data: Data, as_of: dt.date) -> dict[str, Hold]:
    """Employee -> hold, for everyone with too many quarantined rows among those known before ``as_of``.

    Too many is more than :data:`LIMIT` of the person's rows of one table. A duplicate of a row in use does not count, nor
    does a row with neither a readable date nor a ``known_at``: it belongs to no date.
    """
    data.complete_quarantine()
    broken = data.connection.execute(
        "select table_name, employee_id, count(*) as n, min(rule) as rule, min(known_day) from quarantine"
        " where employee_id is not null"
        " and coalesce(happened_day, known_day) < ? and known_day < ? and rule <> 'duplicate_key'"
        " group by table_name, employee_id",
        [as_of, as_of],
    ).fetchall()
    held: dict[str, Hold] = {}
    for table in sorted({row[0] for row in broken}):
        if not data.has(table):
            continue
        people = {row[1]: row[2:] for row in broken if row[0] == table}
        rows = data.query(
            f"select employee_id, count(*) as n from {table} where usable_day < date '{as_of}'"
            f" and employee_id in ({', '.join(map(literal, people))}) group by employee_id"
        )
        sound = dict(zip(rows.column("employee_id").to_pylist(), rows.column("n").to_pylist(), strict=True))
        for person, (n, rule, since) in people.items():
            if n > LIMIT * (n + sound.get(person, 0)) and person not in held:
                held[person] = Hold(
                    hold_id=f"quarantine-{table}-{person}",
                    entity=f"employee:{person}",
                    cause="quarantine",
                    message=Message.of("hold_quarantine", table=table, rule=rule_text(rule, data.specs[table])),
                    set_on=as_of,
                    since=since,
                )
    return held
