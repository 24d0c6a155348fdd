"""The people of a run in batches: each with its windows and its relational evidence, in bounded memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.errors import DataError
from perfml.evidence.columns import Column, require_unique_names
from perfml.evidence.comparison import BetweenPeople, groups_of
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.holes.known import KnownHoles, people_concerned
from perfml.evidence.log.cells import EventLog, discover_kinds, part_log, record_begins
from perfml.evidence.log.exposure import Exposure, gap_of
from perfml.evidence.log.grid import Grid, epoch_days
from perfml.evidence.log.kernel import cell_columns
from perfml.evidence.log.pairs import pair_columns
from perfml.evidence.log.windows import Plan, compile_windows
from perfml.evidence.population.membership import belongs
from perfml.evidence.snapshots import evidence_table, make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.messages import Message
from perfml.progress import Progress
from perfml.project.folder import Definitions, RelationalFile, WindowedFile
from perfml.project.spec import Relation

BATCH_BYTES = 120_000_000
"""Memory of one batch of persons, roughly: small enough for the allocator to reuse the same memory for every batch."""
BYTES_OF_ROW = 80
"""Memory of one row of the log while its batch is computed."""
RELATIONS: dict[Relation, Message] = {"team": Message.of("relation_team"), "peers": Message.of("relation_peers")}
MOST_BATCHES = 200
"""Each batch is an open file while the log is read."""


@dataclass(frozen=True, kw_only=True)
class _People:
    """Who is employed at which as-of date, in the order of the temp table ``people``."""

    frame: pd.DataFrame
    persons: Objects
    """Distinct employee ids; a person is an index into them."""
    rows: Ints
    """Flat index person × as-of date of each row of ``frame``."""
    departments: npt.NDArray[np.int32]
    """(as-of dates, persons) codes, −1 where unknown."""


@dataclass(frozen=True, kw_only=True)
class _Selection:
    """The columns of a run, and the files that give them."""

    columns: tuple[Column, ...]
    """Windowed columns, then those of ``relational``, then those of ``derived``."""
    between: tuple[BetweenPeople, ...]
    relational: tuple[RelationalFile, ...]
    """Files that select from tables; their columns are in the temp table ``relational``."""
    derived: tuple[RelationalFile, ...]
    """Files that select from columns of other files."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one run computes: for whom, at which dates, and which columns."""

    data: Data
    plan: Plan
    grid: Grid
    people: _People
    selection: _Selection
    columns: tuple[Column, ...]
    """Those of ``selection``, then those computed between people."""
    log: EventLog | None
    batch_size: int
    """Persons of a batch."""
    decimals: int
    left_out: tuple[Message, ...]
    outside: Mapping[str, Bools]
    """Evidence with a population -> the rows of ``people`` that do not belong to it; their values are missing."""
    record_begins: Mapping[dt.date, dt.date]
    exposure: Exposure | None
    """The missing days of the log; None where none is missing."""


def prepare(
    data: Data,
    definitions: Definitions,
    as_ofs: Sequence[dt.date],
    *,
    kinds: Sequence[str] | None,
    folder: Path,
    progress: Progress,
    estimate: bool = False,
) -> Job:
    """Run the relational evidence, read the log once into parts in ``folder``, and determine the columns.

    ``estimate``: estimate evidence over missing days of the log instead of leaving it out. Raises :class:`DataError` when
    nobody was employed at any of ``as_ofs``.
    """
    progress("people", 0, 1)
    make_snapshots(data, as_ofs)
    people = _people(data, as_ofs)
    left_out: list[Message] = []
    plan = _plan(data, definitions, kinds, before=as_ofs[-1], left_out=left_out)
    grid = Grid(epoch_days(as_ofs), plan.windows)
    selection = _select(data, definitions, plan, left_out=left_out, progress=progress)
    selection = _without_empty_comparisons(selection, people, left_out=left_out)
    columns = (*selection.columns, *(each.column for each in selection.between))
    require_unique_names(columns)
    batch_size = _batch_size(data, plan, grid, n_persons=len(people.persons), n_columns=len(columns))
    decimals = _decimals(data)
    log = None
    if plan.columns:
        progress("one pass over the log", 0, 1)
        _register_persons(data, people.persons)
        log = part_log(
            data, plan, grid, decimals=decimals, folder=folder, n_persons=len(people.persons), size=batch_size
        )
    return Job(
        data=data,
        plan=plan,
        grid=grid,
        people=people,
        selection=selection,
        columns=columns,
        log=log,
        batch_size=batch_size,
        decimals=decimals,
        left_out=tuple(left_out),
        outside=_outside(data, definitions),
        record_begins=record_begins(data, as_ofs) if plan.columns else {},
        exposure=_exposure(data, definitions, plan, people, as_ofs=as_ofs, estimate=estimate),
    )


def missing_days(data: Data, definitions: Definitions, as_ofs: Sequence[dt.date]) -> tuple[MissingDays, ...]:
    """The holes of the log known at each date of ``as_ofs``, with the people and the evidence that they reach."""
    make_snapshots(data, as_ofs)
    plan = _plan(data, definitions, None, before=as_ofs[-1], left_out=[])
    exposure = _exposure(data, definitions, plan, _people(data, as_ofs), as_ofs=as_ofs, estimate=False)
    return exposure.reached(plan) if exposure else ()


def _exposure(
    data: Data, definitions: Definitions, plan: Plan, people: _People, *, as_ofs: Sequence[dt.date], estimate: bool
) -> Exposure | None:
    """The missing days of the log in the terms of ``plan``."""
    if not plan.columns:
        return None
    holes = definitions.holes
    known = data.once(
        ("holes", holes.model_dump_json(), *as_ofs), lambda: KnownHoles(data, holes, as_ofs)
    )  # they take as long to find as the rest
    number = {person: index for index, person in enumerate(people.persons)}
    gaps = []
    for row, as_of in enumerate(as_ofs):
        for hole in known.at[as_of]:
            ids = tuple(sorted(people_concerned(data, hole, as_of)))
            concerned = np.zeros(len(people.persons), bool)
            concerned[[number[person] for person in ids]] = True
            reached = MissingDays(hole=hole, as_of=as_of, people=ids, log_share=known.log_share(hole, as_of))
            gaps.append(gap_of(plan, reached, known.kinds(hole, as_of), row=row, people=concerned))
    if not gaps:
        return None
    return Exposure(
        as_ofs=epoch_days(as_ofs), n=len(people.persons), gaps=tuple(gaps), windows=plan.windows, estimate=estimate
    )


def _outside(data: Data, definitions: Definitions) -> dict[str, Bools]:
    files: list[WindowedFile | RelationalFile] = [*definitions.windowed, *definitions.relational]
    return {
        file.name: ~belongs(data, file.spec.population.where, file=file.file)
        for file in files
        if file.spec.population.where is not None
    }


def _people(data: Data, as_ofs: Sequence[dt.date]) -> _People:
    frame = data.connection.execute("select * from people order by employee_id, as_of").df()
    if frame.empty:
        raise DataError(
            Message.of("nobody_employed"),
            where=f"{data.source} at {as_ofs[0]} … {as_ofs[-1]}",
            remedy=Message.of("nobody_employed_remedy"),
        )
    person, persons = pd.factorize(frame["employee_id"].to_numpy(dtype=object))
    when = np.searchsorted(epoch_days(as_ofs), frame["as_of"].to_numpy().astype("M8[D]").astype(np.int64))
    departments = np.full((len(as_ofs), len(persons)), -1, np.int32)
    departments[when, person] = pd.factorize(frame["department"])[0].astype(np.int32)
    return _People(frame=frame, persons=persons, rows=person * len(as_ofs) + when, departments=departments)


def _plan(
    data: Data, definitions: Definitions, kinds: Sequence[str] | None, *, before: dt.date, left_out: list[Message]
) -> Plan:
    """The windowed columns, for ``kinds`` or for the kinds that the log held before ``before``."""
    if not data.has("events"):
        left_out += [Message.of("no_table", evidence=file.name, table="events") for file in definitions.windowed]
        return Plan((), ())
    has_counterparts = "counterpart_id" in data.columns["events"]
    if not has_counterparts:
        left_out.append(Message.of("no_counterparts"))
    if kinds is None:
        kinds = discover_kinds(data, before.isoformat())
    return compile_windows(definitions.windowed, kinds, has_counterparts=has_counterparts)


def _select(
    data: Data, definitions: Definitions, plan: Plan, *, left_out: list[Message], progress: Progress
) -> _Selection:
    """Run the relational files whose tables or columns are available; those that read other columns come last."""
    columns = [c.column for c in plan.columns]
    between = [BetweenPeople(source=c.column, relation=relation) for c in plan.columns for relation in c.compare]
    team = [
        BetweenPeople(source=c.column, relation="team", summary=summary) for c in plan.columns for summary in c.team
    ]
    relational: list[RelationalFile] = []
    derived: list[RelationalFile] = []
    for number, file in enumerate(sorted(definitions.relational, key=lambda file: bool(file.spec.reads))):
        progress(f"evidence {file.name}", number, len(definitions.relational))
        absent = _absent(data, file, columns)
        if absent is not None:
            left_out.append(absent)
            continue
        if file.spec.reads:
            derived.append(file)
        else:
            run_relational(data, file)
            relational.append(file)
        for column, relations in relational_columns(file):
            columns.append(column)
            between += [BetweenPeople(source=column, relation=relation) for relation in relations]
    if relational:
        _join_relational(data, relational)
    return _Selection(
        columns=tuple(columns), between=(*between, *team), relational=tuple(relational), derived=tuple(derived)
    )


def _absent(data: Data, file: RelationalFile, columns: Sequence[Column]) -> Message | None:
    """Which tables or columns of ``file`` are absent; None where none is."""
    if file.spec.reads:
        available = {column.name for column in columns}
        absent = tuple(name for name in file.spec.reads if name not in available)
        return Message.of("no_column", evidence=file.name, column=absent) if absent else None
    absent = tuple(name for name in file.spec.needs if name != "people" and not data.has(name))
    return Message.of("no_table", evidence=file.name, table=", ".join(absent)) if absent else None


def relational_columns(file: RelationalFile) -> Iterator[tuple[Column, tuple[Relation, ...]]]:
    """The columns of ``file``, each with the relations it is compared within."""
    for name, meta in file.spec.columns.items():
        column = Column(
            name=name,
            evidence=file.name,
            reason=meta.reason or file.name,
            reason_zh=file.spec.zh,
            reason_en=file.spec.en,
            zh=meta.zh,
            en=meta.en,
            unit=meta.unit,
            direction=meta.direction,
            owner=meta.owner,
            change=meta.change,
        )
        yield column, meta.compare


def _without_empty_comparisons(selection: _Selection, people: _People, *, left_out: list[Message]) -> _Selection:
    """Drop what is computed within a relation that is known for nobody."""
    groups = groups_of(people.frame)
    known = {relation for relation, codes in groups.items() if (codes >= 0).any()}
    for relation in sorted({each.relation for each in selection.between} - known):
        left_out.append(Message.of("no_relation", relation=RELATIONS[relation]))
    return replace(selection, between=tuple(each for each in selection.between if each.relation in known))


def _register_persons(data: Data, persons: Objects) -> None:
    """Make the temp table ``persons`` (employee_id, person)."""
    numbers = np.arange(len(persons), dtype=np.int32)
    arrays = pa.table({"employee_id": pa.array(persons, pa.string()), "person": numbers})
    data.connection.register("person_arrays", arrays)
    data.connection.execute("create or replace temp table persons as select * from person_arrays")
    data.connection.unregister("person_arrays")


def _decimals(data: Data) -> int:
    return (data.specs["events"].value_decimals or 0) if data.has("events") else 0


def batches(job: Job, progress: Progress) -> Iterator[pa.RecordBatch]:
    """Yield batches of persons with all columns but those computed between people."""
    people, selection = job.people, job.selection
    n_as_ofs, n_persons, size = len(job.grid.as_ofs), len(people.persons), job.batch_size
    ids = pa.array(people.frame["employee_id"].to_numpy(dtype=object), pa.string())
    days = pa.array(people.frame["as_of"].to_numpy().astype("M8[D]"), pa.date32())
    for part, low in enumerate(range(0, n_persons, size)):
        n = min(size, n_persons - low)
        progress("windows", low, n_persons)
        first, last = np.searchsorted(people.rows, [low * n_as_ofs, (low + n) * n_as_ofs])
        person, as_of = np.divmod(people.rows[first:last] - low * n_as_ofs, n_as_ofs)
        cell = as_of * n + person
        windows: dict[str, Floats] = {}
        if job.log is not None:
            rows, exposure = job.log.rows(part), job.exposure and job.exposure.of_persons(low, n)
            windows |= cell_columns(rows, job.plan, job.grid, low=low, n=n, decimals=job.decimals, exposure=exposure)
            windows |= pair_columns(
                rows, job.plan, job.grid, low=low, n=n, departments=people.departments, exposure=exposure
            )
        arrays: dict[str, pa.Array] = {
            "employee_id": ids.slice(first, last - first),
            "as_of": days.slice(first, last - first),
        }
        for name in [c.column.name for c in job.plan.columns]:
            arrays[name] = pa.array(windows.pop(name).ravel()[cell], from_pandas=True)
        if selection.relational:
            arrays |= _relational_batch(job.data, int(first), int(last))
        arrays = _within_populations(job, arrays, int(first), int(last))
        for file in selection.derived:
            arrays |= _within_populations(job, _derived_batch(job.data, file, arrays), int(first), int(last))
        yield pa.RecordBatch.from_pydict(arrays)
        progress("windows", low + n, n_persons)


def _within_populations(job: Job, arrays: Mapping[str, pa.Array], first: int, last: int) -> dict[str, pa.Array]:
    """``arrays`` of the rows from ``first`` to ``last`` of ``people``, missing for people outside the population of a column's
    evidence."""
    masks = {c.name: job.outside[c.evidence][first:last] for c in job.selection.columns if c.evidence in job.outside}
    return {
        name: pa.array(array.to_numpy(zero_copy_only=False), mask=masks[name], from_pandas=True)
        if name in masks
        else array
        for name, array in arrays.items()
    }


def _batch_size(data: Data, plan: Plan, grid: Grid, *, n_persons: int, n_columns: int) -> int:
    """Persons of a batch: as many as :data:`BATCH_BYTES` has memory for, with their rows, cubes and columns."""
    rows = BYTES_OF_ROW * data.rows_read.get("events", 0) // n_persons
    cubes = 2 * plan.n_channels * (2 * len(grid.edges) + len(grid.as_ofs))
    size = BATCH_BYTES // (rows + 8 * cubes + 2 * 8 * len(grid.as_ofs) * n_columns)
    return max(1, size, -(-n_persons // MOST_BATCHES))


def _join_relational(data: Data, relational: Sequence[RelationalFile]) -> None:
    """Make the temp table ``relational``: one row for each row of ``people``, numbered in their order."""
    columns, joins = [], []
    for number, file in enumerate(relational):
        columns += [f"r{number}.{quoted(column)}::double as {quoted(column)}" for column in file.spec.columns]
        joins.append(f"left join {evidence_table(file.name)} r{number} using (employee_id, as_of)")
    data.connection.execute(
        f"create or replace temp table relational as select row_number() over (order by employee_id, as_of) - 1 as _row,"
        f" {', '.join(columns)} from people {' '.join(joins)} order by _row"
    )


def _relational_batch(data: Data, first: int, last: int) -> dict[str, pa.Array]:
    query = f"select * exclude (_row) from relational where _row >= {first} and _row < {last} order by _row"
    table = data.connection.sql(query).to_arrow_table()
    assert table.num_rows == last - first
    return {column: table.column(column).combine_chunks() for column in table.column_names}


def _derived_batch(data: Data, file: RelationalFile, arrays: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of a file that reads other columns (``arrays``) of a batch of persons, in their order."""
    given = {name: arrays[name] for name in ("employee_id", "as_of", *file.spec.reads)}
    given["_row"] = pa.array(np.arange(len(given["as_of"])))
    data.connection.register("evidence", pa.table(given))
    run_relational(data, file)
    columns = ", ".join(f"r.{quoted(column)}::double as {quoted(column)}" for column in file.spec.columns)
    table = data.connection.sql(
        f"select {columns} from evidence left join {evidence_table(file.name)} r using (employee_id, as_of) order by _row"
    ).to_arrow_table()
    data.connection.unregister("evidence")
    return {column: table.column(column).combine_chunks() for column in table.column_names}


def between_people(job: Job, values: Mapping[str, Floats]) -> list[Floats]:
    """The columns computed between people, in their order; ``values``: their source columns → the values of everyone."""
    groups = groups_of(job.people.frame)
    return [each.values(values[each.source.name], groups, decimals=job.decimals) for each in job.selection.between]
