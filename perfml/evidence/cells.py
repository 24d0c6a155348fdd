"""The one pass over the log, in DuckDB: rows become cells of the grid, and who met whom becomes pairs.

Rows that were known too late for an as-of date that follows them, and rows that a correction replaced, are kept apart by the
as-of dates ``[from_as_of, to_as_of)`` at which they count; for all others ``from_as_of`` is −1.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from perfml.errors import DataError
from perfml.evidence.grid import Grid
from perfml.evidence.sources import Data
from perfml.evidence.windows import Plan

Arrays = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Log:
    """The aggregated log, ready to be fetched by ranges of ``person`` (the index in the table ``persons``)."""

    connection: duckdb.DuckDBPyConnection
    has_pairs: bool

    def cells(self, low: int, high: int) -> Arrays:
        """Cells of persons ``low`` … ``high − 1``: person, edge, channel, from_as_of, to_as_of, n, total, days, last."""
        return self._fetch(f"select * from cells where person >= {low} and person < {high}")

    def pairs(self, low: int, high: int) -> Arrays:
        """Pairs of persons ``low`` … ``high − 1``, in the order of person, other and from_as_of."""
        return self._fetch(
            f"select * from pairs where person >= {low} and person < {high} order by person, other, from_as_of"
        )

    def _fetch(self, sql: str) -> Arrays:
        found = self.connection.execute(sql).fetchnumpy()
        return {name: np.asarray(np.ma.filled(values)) for name, values in found.items()}


def discover_kinds(data: Data, before: str) -> list[str]:
    """Every kind of event usable before the date ``before``, the most frequent first."""
    rows = data.connection.execute(
        f"select kind from events where usable_day < date '{before}'"
        " group by kind order by count(*) desc, kind"
    ).fetchall()
    return [row[0] for row in rows]


def aggregate(data: Data, plan: Plan, grid: Grid, decimals: int) -> Log:
    """Make the temp tables ``cells`` and ``pairs`` from ``events``, ``persons`` (employee_id, person) and the calendar.

    Raises :class:`DataError` where a sum passes what 64 bits hold.
    """
    connection = data.connection
    connection.register(
        "kind_arrays", {"kind": np.array(plan.kinds, dtype=object), "channel": np.arange(len(plan.kinds), dtype=np.int32)}
    ) if plan.kinds else None
    connection.execute(
        "create or replace temp table channels as select kind::text as kind, channel from kind_arrays"
        if plan.kinds
        else "create or replace temp table channels (kind text, channel integer)"
    )
    irregular = "known_at" in data.columns["events"] or "event_id" in data.columns["events"] and _has_versions(connection)
    _make_cells(connection, plan, decimals, irregular)
    has_pairs = bool(plan.pair_columns)
    if has_pairs:
        _make_pairs(connection, plan, grid, irregular)
    return Log(connection, has_pairs)


def _has_versions(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(
        connection.execute(
            "select 1 from information_schema.tables where table_name = 'versioned_events'"
        ).fetchall()
    )


def _visibility(irregular: bool) -> tuple[str, str, str, str]:
    """SQL: from_as_of, to_as_of, the joins they need, and the last as-of date's condition."""
    if not irregular:
        return "-1", "-1", "", "true"
    late = "(known.first_as_of > c.first_as_of or e.superseded_day is not null)"
    joins = " join calendar known on known.day = e.usable_day left join calendar gone on gone.day = e.superseded_day"
    ends = "case when e.superseded_day is null then 2147483647 else coalesce(gone.first_as_of, 2147483647) end"
    return f"case when {late} then known.first_as_of else -1 end", f"case when {late} then {ends} else -1 end", joins, "true"


def _make_cells(connection: duckdb.DuckDBPyConnection, plan: Plan, decimals: int, irregular: bool) -> None:
    start, end, joins, _ = _visibility(irregular)
    sums = any(c.measure == "sum" for c in plan.cell_columns)
    total = f"sum(round(e.value * {10**decimals})::bigint)::bigint" if sums else "0::bigint"
    other = f"coalesce(k.channel, {len(plan.kinds)})"
    sides = [("employee_id", other, "left")]
    if plan.counts_received:
        sides.append(("counterpart_id", f"{plan.n_channels} + {other}", "left"))
    selects = [
        f"select p.person, c.edge, {channel} as channel, {start} as from_as_of, {end} as to_as_of, count(*)::integer as n,"
        f" coalesce({total}, 0) as total, bit_or(1::bigint << c.off) as days, max(c.number) as last"
        f" from events e join persons p on p.employee_id = e.{who} join calendar c on c.day = e.happened_day"
        f" {join} join channels k on k.kind = e.kind{joins} group by all"
        for who, channel, join in (sides if plan.cell_columns else [])
    ]
    empty = (
        "select 0 as person, 0 as edge, 0 as channel, -1 as from_as_of, -1 as to_as_of, 0 as n, 0::bigint as total,"
        " 0::bigint as days, 0 as last where false"
    )
    try:
        connection.execute(f"create or replace temp table cells as {' union all '.join(selects or [empty])}")
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise DataError(
            f"the values of one person and kind add up past 64 bits ({str(error).splitlines()[0][:120]})",
            where="events.value",
            remedy="lower value_decimals in features/sources.toml [events], or export a larger unit",
        ) from None


def _make_pairs(connection: duckdb.DuckDBPyConnection, plan: Plan, grid: Grid, irregular: bool) -> None:
    start, end, joins, _ = _visibility(irregular)
    reach = int(grid.as_ofs[0]) - max(c.window_days for c in plan.pair_columns)
    sets = pair_sets(plan)
    rows = []
    for side, me, them in (("own", "employee_id", "counterpart_id"), ("received", "counterpart_id", "employee_id")):
        lasts = ", ".join(
            f"max(case when {_in_set(plan, kinds)} then c.number end) as {side}_{i}, "
            f"null::integer as {'received' if side == 'own' else 'own'}_{i}"
            for i, kinds in enumerate(sets)
        )
        first = f"case when {start} < 0 then c.first_as_of else {start} end"
        rows.append(
            f"select p.person, coalesce(o.person, -1 - (hash(e.{them}) >> 2)::bigint) as other, {first} as from_as_of,"
            f" {end} as to_as_of, {lasts} from events e join persons p on p.employee_id = e.{me}"
            f" join calendar c on c.day = e.happened_day left join persons o on o.employee_id = e.{them}"
            f" left join channels k on k.kind = e.kind{joins} where e.counterpart_id is not null and c.number >= {reach}"
            f" and e.counterpart_id <> e.employee_id group by all"
        )
    lasts = ", ".join(f"coalesce(max({side}_{i}), -1000000) as {side}_{i}" for i in range(len(sets)) for side in ("own", "received"))
    ends = "case when to_as_of < 0 then 2147483647 else to_as_of end"
    connection.execute(
        f"create or replace temp table pairs as select person, other, from_as_of, {ends} as to_as_of, {lasts}"
        f" from ({' union all by name '.join(rows)}) group by all"
    )


def pair_sets(plan: Plan) -> list[tuple[int, ...]]:
    """The distinct sets of kinds that the columns of counterparts look at; pairs carry the last day for each."""
    return sorted({c.kinds for c in plan.pair_columns})


def _in_set(plan: Plan, kinds: tuple[int, ...]) -> str:
    if len(kinds) == plan.n_channels:
        return "true"
    inside = ", ".join(str(kind) for kind in kinds) or "-1"
    return f"coalesce(k.channel, {len(plan.kinds)}) in ({inside})"
