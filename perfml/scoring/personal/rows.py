"""Everyone's own rows of the input tables, as known before a date: what is kept of them with the scores of that date.

A table whose spec names a person, or a goal of theirs, has such rows. Of each person the newest MOST are taken, of the
log the newest of each kind, and whatever else is the newest about a goal. An event is a row of whoever did it, and of the
counterpart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import nullcontext

import pyarrow as pa

from perfml.evidence.behind import plan_of
from perfml.evidence.log.cells import discover_kinds, kind_counts
from perfml.evidence.log.newest import newest_of_each
from perfml.evidence.log.traces import traces
from perfml.evidence.snapshots import make_snapshots, visible
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import literal, quoted
from perfml.evidence.withheld.disputable import owner_column
from perfml.evidence.withheld.rows import owner_sql
from perfml.messages import Bilingual
from perfml.project.folder import Definitions
from perfml.project.table_spec import ColumnType, TableSpec
from perfml.project.trust.peers_spec import PeersSpec
from perfml.scoring.personal.files import HIDDEN, LOG, MOST, SCHEMA, KeptColumn, KeptTable, PeerMeasure, RecordContents

BATCH = 100_000


def rows_of_people(
    data: Data, as_of: dt.date, *, without: Collection[str] = (), besides: pa.Table | None = None
) -> Iterator[pa.Table]:
    """The rows of everyone employed at ``as_of`` but those in ``without``, by person, table and age; see :data:`SCHEMA`.

    ``besides``: further rows of them, that stand after the others.

    Nothing that happened or became known on ``as_of`` or later is in them.
    """
    make_snapshots(data, [as_of])
    execute = data.connection.execute
    execute(
        "create or replace temp table who as select employee_id as who_id, row_number() over (order by employee_id) as person"
        " from temp.people where employee_id not in (select unnest(?::text[]))",
        [sorted(without)],
    )
    kinds = kind_counts(data, str(as_of)) if data.has(LOG) else {}
    execute(
        "create or replace temp table log_kinds as select unnest(?::text[]) as name, unnest(range(?)) as part",
        [list(kinds), len(kinds)],
    )
    parts = [
        _select(data, name, spec, number, n_kinds=len(kinds), as_of=as_of)
        for number, (name, spec) in enumerate(data.specs.items())
        if owner_sql(name, spec) is not None
    ]
    if besides is not None:
        data.connection.register("rows_besides", besides)
        parts.append(
            f'select person, employee_id, "table", {len(parts)} as number, null as moment, day, known, "values"'
            " from rows_besides join who on who_id = employee_id"
        )
    query = (
        f"with a as (select date '{as_of}' as as_of)"
        f' select employee_id, "table", day, known, "values" from ({" union all ".join(parts)})'
        ' order by person, number, moment desc, "values"'
    )
    with data.engine.lent_log(_newest(data, as_of)) if data.engine and data.log_lies_elsewhere else nullcontext():
        reader = data.connection.sql(query).to_arrow_reader(BATCH)
        empty = True
        for batch in reader:
            empty = False
            yield pa.Table.from_batches([batch]).cast(SCHEMA)
        if empty:
            yield SCHEMA.empty_table()


def _newest(data: Data, as_of: dt.date) -> str:
    """SQL of rows of the log among which all those are that :func:`_select` takes: the newest of each person, kind and side, with
    as many of one moment as there are."""
    order = ", ".join(["t.happened_at desc", *(f"t.{quoted(name)}" for name in _key(data, LOG))])
    sides = ["t.employee_id, t.kind"]
    if "counterpart_id" in data.columns[LOG]:
        other = "nullif(t.counterpart_id, t.employee_id)"
        sides.append(f"coalesce({other}, t.employee_id), {other} is null, t.kind")
    nth = [f"rank() over (partition by {side} order by {order}) as nth_{at}" for at, side in enumerate(sides)]
    taken = " or ".join(f"nth_{at} <= {MOST}" for at in range(len(sides)))
    seen = visible("t", f"date '{as_of}'")
    return f"select * from (select t.*, {', '.join(nth)} from events t where {seen}) where {taken}"


def _key(data: Data, table: str) -> list[str]:
    return [column for column in data.specs[table].key if column in data.columns[table]]


def contents_of(data: Data, definitions: Definitions, peers: PeersSpec | None = None) -> RecordContents:
    """What the rows of ``data`` mean, and which of them each column of evidence is computed from."""
    kinds = discover_kinds(data, data.today.isoformat()) if data.has("events") else ()
    return RecordContents(
        holds=data.withheld.number,
        tables={
            name: KeptTable(
                title=Bilingual(en=spec.en, zh=spec.zh),
                columns=tuple(_described(column, spec.columns[column]) for column in shown_columns(spec)),
                key=spec.key,
                owner=owner_column(name, spec),
                happened=spec.happened,
                shown_to=spec.shown_to,
                used_for=_used_for(name, definitions),
            )
            for name, spec in data.specs.items()
            if owner_sql(name, spec) is not None
        },
        courses=_titles(data),
        peers={
            name: PeerMeasure(title=Bilingual(en=measure.en, zh=measure.zh), unit=measure.unit)
            for name, measure in (() if peers is None else peers.measures.items())
        },
        traces=dict(traces(definitions, plan_of(data, definitions, kinds))),
    )


def _titles(data: Data) -> dict[str, str]:
    query = "select course_id, title from courses order by course_id"
    return dict(data.connection.execute(query).fetchall()) if data.has("courses") else {}


def _described(name: str, column: ColumnType) -> KeptColumn:
    label = Bilingual(en=column.en or name, zh=column.zh or name)
    return KeptColumn(name=name, label=label, type=column.type, others=column.others)


def _used_for(table: str, definitions: Definitions) -> tuple[Bilingual, ...]:
    titles = [(file.spec.en, file.spec.zh) for file in definitions.relational if table in file.spec.needs]
    if table == "events":
        titles += [(file.spec.en, file.spec.zh) for file in definitions.windowed]
    return tuple(Bilingual(en=en, zh=zh) for en, zh in titles)


def shown_columns(spec: TableSpec) -> list[str]:
    """The columns of a table whose values are kept."""
    return [
        name
        for name, column in spec.columns.items()
        if name not in HIDDEN and not column.protected and not column.personal
    ]


def _select(data: Data, name: str, spec: TableSpec, number: int, *, n_kinds: int, as_of: dt.date) -> str:
    """SQL of the rows of one table; ``moment``: when each happened.

    Rows are numbered within one number of their person and part, which takes a third of the time of texts.
    """
    owner, present = owner_sql(name, spec), set(data.columns[name])
    shown = shown_columns(spec)
    values = ", ".join(_value(column, spec) if column in present else "null" for column in shown)
    moment = f"{quoted(spec.happened)}::timestamp" if spec.happened else "known_moment"
    content = [quoted(column) for column in shown if column in present]
    keys = [quoted(column) for column in _key(data, name)]
    order = ", ".join([f"{moment} desc", *keys, f"hash({', '.join(content)})", "known_moment"])
    table = _newest_of_log(data, as_of) if name == LOG else f"main.{quoted(name)}"
    kinds = " join log_kinds k on k.name = t.kind" if name == LOG else ""
    rows = (
        f"select t.*, a.as_of, {{whose}} as whose, {{part}} as part, t.{moment} as moment, {_goal(name, spec)} as goal"
        f" from {table} t, a{kinds} where {visible('t')}"
    )
    sides = [rows.format(whose=owner, part="k.part" if name == LOG else "0")]
    if name == LOG and "counterpart_id" in present:
        received = rows.format(whose="t.counterpart_id", part=f"k.part + {n_kinds}")
        sides.append(f"{received} and t.counterpart_id <> t.employee_id")
    newest = f"row_number() over (partition by person * {2 * n_kinds + 1} + part order by {order}) <= {MOST}"
    if _goal(name, spec) != "null":
        newest += f" or row_number() over (partition by goal order by {order}) = 1"
    return (
        f'select person, whose as employee_id, {literal(name)} as "table", {number} as number, moment, moment::date as day,'
        f' known_day as known, [{values}]::text[] as "values"'
        f" from (select * from ({' union all '.join(sides)}) join who on who_id = whose qualify {newest}) t"
    )


def _newest_of_log(data: Data, as_of: dt.date) -> str:
    """The log without rows that are too old to be taken; where its newest rows are kept, or lent, these."""
    if data.log_lies_elsewhere:
        return "main.events"
    if data.whole_kept_log is not None:
        return data.whole_kept_log.newest_rows(as_of, most=MOST)
    return newest_of_each(data.connection, "main.events", seen=visible("t", f"date '{as_of}'"), most=MOST)


def _goal(name: str, spec: TableSpec) -> str:
    """SQL of the goal that a row is about, where it names nobody by itself."""
    return "t.goal_id" if owner_column(name, spec) is None and "goal_id" in spec.columns else "null"


def _value(column: str, spec: TableSpec) -> str:
    """SQL of a value as text; a second date of a row that has not passed is not known yet."""
    value = f"t.{quoted(column)}"
    return f"case when {value} < t.as_of then {value} end::text" if spec.columns[column].later else f"{value}::text"
