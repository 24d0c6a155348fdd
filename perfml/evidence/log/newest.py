"""The newest rows that each person did, and that were done to them, of each kind."""

from __future__ import annotations

import duckdb

SINCE = "newest_since"
"""Temp table: the moment of the last of the newest rows of a person (``who``), ``kind`` and side (``received``), where there are
older ones."""
RECEIVED = "t.counterpart_id <> t.employee_id"


def newest_of_each(connection: duckdb.DuckDBPyConnection, log: str, *, seen: str, most: int) -> str:
    """SQL of the rows of ``log`` that are at least as new as the ``most``-th newest of a person, kind and side; of the rows that
    ``seen`` (a condition on ``t``) does not hold for, all.

    Memory holds ``most`` moments a person, kind and side, while the log passes twice; to rank its rows takes all of them.
    """
    since = (
        f"select {{who}} as who, kind, {{received}} as received, list_last(max(happened_at, {most})) as since"
        f" from {log} t where {seen} and {{side}} group by all having count(*) >= {most}"
    )
    own = since.format(who="employee_id", received="false", side="true")
    theirs = since.format(who="counterpart_id", received="true", side=RECEIVED)
    connection.execute(f"create or replace temp table {SINCE} as {own} union all {theirs}")
    return (
        f"(select t.* from {log} t"
        f" left join {SINCE} o on o.who = t.employee_id and o.kind = t.kind and not o.received"
        f" left join {SINCE} r on r.who = t.counterpart_id and r.kind = t.kind and r.received"
        f" where not ({seen}) or o.since is null or t.happened_at >= o.since"
        f" or {RECEIVED} and (r.since is null or t.happened_at >= r.since))"
    )
