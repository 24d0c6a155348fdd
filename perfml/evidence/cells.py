"""The one pass over the log, in DuckDB: its usable rows in integers, one for each side of an event.

A *person* is an index into the table ``persons``, a day a number since 1970-01-01, a value an integer scaled by 10**decimals.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from perfml.evidence.grid import Grid
from perfml.evidence.sources import Data
from perfml.evidence.windows import Plan

Arrays = dict[str, npt.NDArray[np.generic]]
NO_ONE = -1
"""``other`` of an event without counterpart; a counterpart who is not in ``persons`` has a number below it."""
FOREVER = 2**31 - 1
"""``gone`` of a row that no correction replaces."""


@dataclass(frozen=True)
class Log:
    """The log in integers, ready to be fetched by ranges of ``person``."""

    connection: duckdb.DuckDBPyConnection
    n_rows: int

    def rows(self, low: int, high: int) -> Arrays:
        """The rows of persons ``low`` … ``high − 1``: person, channel, day, and where the plan needs them scaled (the value)
        and other (the counterpart, or who met them).

        Where rows can become known late or be replaced, also ``known`` (the day from which the row is usable) and ``gone``
        (the day from which a correction stands in its place).
        """
        table = self.connection.sql(f"select * from log where person >= {low} and person < {high}").to_arrow_table()
        return {name: table.column(name).to_numpy() for name in table.column_names}

    def close(self) -> None:
        """Give the memory back."""
        self.connection.execute("drop table log")


def discover_kinds(data: Data, before: str) -> list[str]:
    """Every kind of event usable before the date ``before``, the most frequent first."""
    rows = data.connection.execute(
        f"select kind from events where usable_day < date '{before}' group by kind order by count(*) desc, kind"
    ).fetchall()
    return [row[0] for row in rows]


def aggregate(data: Data, plan: Plan, grid: Grid, decimals: int) -> Log:
    """Make the temp table ``log`` from ``events`` and ``persons`` (employee_id, person): what people did, then, as rows of
    the person who was met, what they were met for (channels from :attr:`Plan.n_channels` on)."""
    connection, last = data.connection, np.datetime64(int(grid.as_ofs[-1]), "D")
    connection.execute("create or replace temp table channels (kind text, channel integer)")
    if plan.kinds:
        numbered = [(kind, channel) for channel, kind in enumerate(plan.kinds)]
        connection.executemany("insert into channels values (?, ?)", numbered)
    columns = {
        "person": _person("p", "e.employee_id"),
        "channel": f"coalesce(k.channel, {len(plan.kinds)})",
        "day": _number("e.happened_day"),
    }
    joins = "left join persons p on p.employee_id = e.employee_id left join channels k on k.kind = e.kind"
    chosen = "p.person is not null"
    if any(c.measure == "sum" for c in plan.cell_columns):
        columns["scaled"] = f"coalesce(round(e.value * {10**decimals})::bigint, 0)"
    if plan.counts_received or plan.pair_columns:
        columns["other"] = f"case when e.counterpart_id is null then {NO_ONE} else {_person('o', 'e.counterpart_id')} end"
        joins += " left join persons o on o.employee_id = e.counterpart_id"
        chosen = f"({chosen} or o.person is not null)"
    if _can_be_late(data):
        columns["known"] = _number("e.usable_day")
        columns["gone"] = f"coalesce({_number('e.superseded_day')}, {FOREVER})"
    select = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    connection.execute(
        f"create or replace temp table log as select {select} from events e {joins} where e.usable_day < date '{last}' and {chosen}"
    )
    if "other" in columns:
        met = columns | {"person": "other", "channel": f"channel + {plan.n_channels}", "other": "person"}
        swapped = ", ".join(met[name] if name in ("person", "channel", "other") else name for name in columns)
        connection.execute(f"insert into log select {swapped} from log where other >= 0")
    return Log(connection, connection.execute("select count(*) from log").fetchall()[0][0])


def _person(joined: str, text: str) -> str:
    """The index of a person; for an id that is not among the persons, a number below :data:`NO_ONE` made from it."""
    return f"coalesce({joined}.person, {NO_ONE - 1} - (hash({text}) >> 2)::bigint)"


def _number(day: str) -> str:
    return f"({day} - date '1970-01-01')::integer"


def _can_be_late(data: Data) -> bool:
    """Whether rows may become known after the day they happened, or be replaced by a correction."""
    versions = "select 1 from information_schema.tables where table_name = 'versioned_events'"
    return "known_at" in data.columns["events"] or bool(data.connection.execute(versions).fetchall())
