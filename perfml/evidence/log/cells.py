"""One pass over the log, in DuckDB: its usable rows as integers, written to one file per range of persons.

A *person* is an index into the table ``persons``, a day a number since 1970-01-01, a value an integer scaled by 10**decimals.
The parts are files, so that memory stays bounded however long the log is, and each part is read once.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from perfml.arrays import Ints
from perfml.errors import DefinitionError
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.windows import Condition, Plan
from perfml.evidence.sources import Data
from perfml.project.feature_spec import VALUE_MEASURES
from perfml.project.spec import EVENT_FACTS

Arrays = dict[str, Ints]
"""Integers, of 32 or 64 bits."""
PartedRows = Iterator[tuple[int, pa.RecordBatch]]
"""Some rows of a part, again and again."""
NO_ONE = -1
"""``other`` of an event without counterpart; a counterpart who is not in ``persons`` has a number below this."""
FOREVER = 2**31 - 1
"""``superseded_day`` of a row that no correction replaces."""
ROWS_AT_ONCE = 250_000


@dataclass(frozen=True)
class EventLog:
    """The log as integers: one Arrow file in ``folder`` for each ``size`` persons."""

    folder: Path
    size: int

    def rows(self, part: int) -> Arrays:
        """The rows of the persons from ``part × size`` on: ``person``, ``channel`` and ``day``, and where the plan needs them
        ``scaled`` (the value), ``valued`` (1 if there is one), ``moment`` (microseconds since 1970) and ``other`` (the
        counterpart; in channels of the counterpart's side, the person who did it).

        Where rows can become known late or be superseded, also ``usable_day`` and ``superseded_day``
        (:mod:`perfml.evidence.sources`).
        """
        with pa.memory_map(str(_part(self.folder, part))) as source:
            return arrays_of(pa.ipc.open_file(source).read_all())


def arrays_of(rows: pa.Table) -> Arrays:
    """The columns of ``rows`` of a part."""
    whole = rows.combine_chunks()
    return {name: whole.column(name).to_numpy() for name in whole.column_names}


def _part(folder: Path, part: int) -> Path:
    return folder / f"log-{part}.arrow"


def require_conditions(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Raise :class:`DefinitionError` for a condition of ``plan`` that does not run over the table ``events``."""
    for condition in plan.conditions:
        try:
            connection.execute(f"select {condition.sql} from events limit 0")
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise DefinitionError(
                f"{condition.where!r} does not run ({reason})",
                where=condition.key,
                remedy=f"use {', '.join(EVENT_FACTS)}",
            ) from None


def discover_kinds(data: Data, before: str) -> list[str]:
    """Every kind of event usable before the date ``before``, the most frequent first."""
    return list(kind_counts(data, before))


def kind_counts(data: Data, before: str) -> dict[str, int]:
    """How many events of each kind were usable before the date ``before``, the most frequent first."""
    rows = data.query(
        f"select kind, sum(n)::bigint as n from ({data.log_days}) log where usable_day < date '{before}'"
        " group by kind order by 2 desc, 1"
    )
    return dict(zip(rows.column("kind").to_pylist(), rows.column("n").to_pylist(), strict=True))


def record_begins(data: Data, as_ofs: Sequence[dt.date]) -> dict[dt.date, dt.date]:
    """The first day of the log as known at each as-of date; dates at which nothing was known are left out."""
    log = f"from ({data.log_days}) log where usable_day < date '{max(as_ofs)}'"
    if can_be_late(data):
        query = f"select usable_day as known, min(happened_day) as first {log} group by usable_day order by usable_day"
    else:  # every row was known on the day it happened
        query = f"select min(usable_day) as known, min(happened_day) as first {log} having count(*) > 0"
    days = data.query(query)
    first = list(accumulate(days.column("first").to_pylist(), min))
    known = days.column("known").to_pylist()
    upto = {as_of: bisect_left(known, as_of) for as_of in as_ofs}
    return {as_of: first[n - 1] for as_of, n in upto.items() if n}


def part_log(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    grid: Grid,
    *,
    late: bool,
    decimals: int,
    folder: Path,
    n_persons: int,
    size: int,
) -> EventLog:
    """Read ``events`` and ``persons`` once, and write what :func:`parted_log` gives to a file for each part."""
    schema, rows = parted_log(connection, plan, grid, late=late, decimals=decimals, n_persons=n_persons, size=size)
    with ExitStack() as stack:
        parts = range(-(-n_persons // size))
        sinks = [stack.enter_context(pa.OSFile(str(_part(folder, part)), "wb")) for part in parts]
        writers = [stack.enter_context(pa.ipc.new_file(sink, schema)) for sink in sinks]
        for part, batch in rows:
            writers[part].write_batch(batch)
    return EventLog(folder, size)


def parted_log(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    grid: Grid,
    *,
    late: bool,
    decimals: int,
    n_persons: int,
    size: int,
) -> tuple[pa.Schema, PartedRows]:
    """Read ``events`` and ``persons`` (employee_id, person) once; return the columns of :meth:`EventLog.rows`, and an iterator
    over their rows in parts of ``size`` persons.

    Rows of people without a number are left out. ``late``: whether rows may become known after the day they happened, or be
    superseded by a correction.

    Each event is a row of the person who did it and, where the plan needs counterparts, a row of the counterpart too, in the
    channels from :attr:`Plan.n_channels` on. An event that meets a condition of the plan is a row of that channel as well.
    Raises :class:`DefinitionError` for a condition that does not run.
    """
    last = np.datetime64(int(grid.as_ofs[-1]), "D")
    connection.execute("create or replace temp table channels (name text, channel integer)")
    if plan.kinds:
        numbered = [(kind, channel) for channel, kind in enumerate(plan.kinds)]
        connection.executemany("insert into channels values (?, ?)", numbered)
    columns = {
        "person": _person("p", "e.employee_id"),
        "channel": f"coalesce(k.channel, {len(plan.kinds)})::smallint",
        "day": number_of_day("e.happened_day"),
    }
    joins = "left join persons p on p.employee_id = e.employee_id left join channels k on k.name = e.kind"
    measures = {c.measure for c in plan.cell_columns}
    if measures & {"sum", *VALUE_MEASURES}:
        columns["scaled"] = scaled_value(decimals)
    if measures & VALUE_MEASURES:
        columns["valued"] = "(e.value is not null)::tinyint"
        columns["moment"] = "epoch_us(e.happened_at)"
    if plan.counts_received or plan.pair_columns:
        columns["other"] = (
            f"case when e.counterpart_id is null then {NO_ONE} else {_person('o', 'e.counterpart_id')} end"
        )
        joins += " left join persons o on o.employee_id = e.counterpart_id"
    if late:
        columns["usable_day"] = number_of_day("e.usable_day")
        columns["superseded_day"] = last_day_of_version()
    require_conditions(connection, plan)
    columns |= {_met(number): condition.sql for number, condition in enumerate(plan.conditions)}
    select = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    query = f"select {select} from events e {joins} where e.usable_day < date '{last}'"
    reader = connection.sql(query).to_arrow_reader(ROWS_AT_ONCE)
    schema = pa.schema([field for field in reader.schema if field.type != pa.bool_()])
    return schema, _rows_of_parts(reader, schema, plan, n_parts=-(-n_persons // size), size=size)


def _rows_of_parts(
    reader: pa.RecordBatchReader, schema: pa.Schema, plan: Plan, *, n_parts: int, size: int
) -> PartedRows:
    for batch in reader:
        rows: Arrays = {name: batch.column(name).to_numpy() for name in schema.names}
        met = [
            _meeting(rows, condition, batch.column(_met(number)), channel=len(plan.kinds) + 1 + number)
            for number, condition in enumerate(plan.conditions)
        ]
        for own in (rows, *met):
            for side in (own, _other_side(own, plan)) if "other" in own else (own,):
                for part, part_rows in _parted(side, n_parts, size):
                    yield part, pa.RecordBatch.from_pydict(part_rows, schema=schema)


def _met(number: int) -> str:
    """The column of the pass that says whether an event meets a condition."""
    return f"met_{number}"


def _meeting(rows: Arrays, condition: Condition, met: pa.Array, *, channel: int) -> Arrays:
    """The rows that meet ``condition``, in its ``channel``."""
    chosen = np.flatnonzero(met.to_numpy(zero_copy_only=False) & np.isin(rows["channel"], condition.kinds))
    return {name: values.take(chosen) for name, values in rows.items()} | {
        "channel": np.full(len(chosen), channel, np.int16)
    }


def _other_side(rows: Arrays, plan: Plan) -> Arrays:
    """The same events as rows of their counterparts."""
    met = np.flatnonzero((rows["other"] >= 0) & (rows["other"] != rows["person"]))
    side = {name: values.take(met) for name, values in rows.items()}
    side["person"], side["other"] = side["other"], side["person"]
    side["channel"] = side["channel"] + np.int16(plan.n_channels)
    return side


def _parted(rows: Arrays, n_parts: int, size: int) -> Iterator[tuple[int, Arrays]]:
    """Yield the rows of each part that has any; rows of people who are not among the persons are left out."""
    part = np.where(rows["person"] >= 0, np.minimum(rows["person"] // size, n_parts), n_parts).astype(np.uint16)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=n_parts + 1))
    ordered = {name: values.take(order) for name, values in rows.items()}
    for number in range(n_parts):
        low, high = (int(ends[number - 1]) if number else 0), int(ends[number])
        if low < high:
            yield number, {name: values[low:high] for name, values in ordered.items()}


def _person(joined: str, text: str) -> str:
    """SQL: the index of a person; for an id that is not among the persons, a number below :data:`NO_ONE` hashed from it."""
    return f"coalesce({joined}.person, {NO_ONE - 1} - (hash({text}) >> 2)::bigint)"


def number_of_day(day: str) -> str:
    """SQL of a date as days since 1970-01-01."""
    return f"({day} - date '1970-01-01')::integer"


def scaled_value(decimals: int) -> str:
    """SQL of the value of the event ``e`` as an integer, 0 where it has none."""
    return f"coalesce(round(e.value * {10**decimals})::bigint, 0)"


def last_day_of_version() -> str:
    """SQL of the last as-of date at which the version ``e`` counts."""
    return f"coalesce({number_of_day('e.superseded_day')}, {FOREVER})"


def can_be_late(data: Data) -> bool:
    """Whether rows may become known after the day they happened, or be superseded by a correction."""
    if data.engine is not None:
        return data.engine.can_be_late
    versions = "select 1 from information_schema.tables where table_name = 'versioned_events'"
    return "known_at" in data.columns["events"] or bool(data.connection.execute(versions).fetchall())
