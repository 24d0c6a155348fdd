"""The people of a run in batches: each with its windows and its relational evidence, in bounded memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from perfml.arrays import Floats, Ints, Objects
from perfml.errors import DataError
from perfml.evidence.cells import Log, discover_kinds, part_log, record_begins
from perfml.evidence.columns import Column, require_unique_names
from perfml.evidence.comparison import z_scores
from perfml.evidence.grid import Grid, epoch_days
from perfml.evidence.kernel import cell_columns
from perfml.evidence.pairs import pair_columns
from perfml.evidence.reading import quoted
from perfml.evidence.snapshots import evidence_table, make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.evidence.windows import Plan, compile_windows
from perfml.progress import Progress
from perfml.project.folder import Definitions, RelationalFile
from perfml.project.spec import Relation

BATCH_BYTES = 120_000_000
"""What one batch of persons takes, about: small enough that its arrays are taken again and again from the same memory."""
BYTES_OF_ROW = 80
"""What one row of the log takes while its batch is worked out."""
MOST_BATCHES = 200
"""Each is an open file while the log is read."""

"""Is told what is being done, how much of it is done, and of how much."""


@dataclass
class Job:
    """What one run works on: who, when, and which columns."""

    data: Data
    plan: Plan
    grid: Grid
    log: Log | None
    people: pd.DataFrame
    rows: Ints
    """Flat index person × as-of date of each row of ``people``."""
    persons: Objects
    departments: npt.NDArray[np.int32]
    relational: list[RelationalFile]
    """Files that select from tables; what they give lies in the temp table ``relational``."""
    derived: list[RelationalFile]
    """Files that select from the columns made so far."""
    columns: list[Column]
    compared: list[tuple[str, Relation]]
    decimals: int
    left_out: list[str]
    record_begins: Mapping[dt.date, dt.date]


def prepare(
    data: Data,
    definitions: Definitions,
    as_ofs: list[dt.date],
    kinds: Sequence[str] | None,
    folder: Path,
    progress: Progress,
) -> Job:
    """Run the relational evidence, read the log once into parts in ``folder``, and say what the columns are.

    Raises :class:`DataError` when nobody was employed at any of ``as_ofs``.
    """
    progress("people", 0, 1)
    make_snapshots(data, as_ofs)
    people = data.connection.execute("select * from people order by employee_id, as_of").df()
    if people.empty:
        raise DataError(
            "nobody was employed", where=f"{data.source} at {as_ofs[0]} … {as_ofs[-1]}", remedy="choose later dates"
        )
    days = epoch_days(as_ofs)
    person, persons = pd.factorize(people["employee_id"].to_numpy(dtype=object))
    when = np.searchsorted(days, people["as_of"].to_numpy().astype("M8[D]").astype(np.int64))
    left_out: list[str] = []
    plan = Plan((), ())
    if data.has("events"):
        found = list(kinds) if kinds is not None else discover_kinds(data, as_ofs[-1].isoformat())
        plan = compile_windows(definitions.windowed, found, has_counterparts="counterpart_id" in data.columns["events"])
        if "counterpart_id" not in data.columns["events"]:
            left_out.append("evidence of counterparts: events has no counterpart_id")
    else:
        left_out += [f"{file.name}: there is no table events" for file in definitions.windowed]
    grid = Grid(days, plan.windows)
    codes = pd.factorize(people["department"])[0].astype(np.int32)
    departments = np.full((len(days), len(persons)), -1, np.int32)
    departments[when, person] = codes
    columns = [c.column for c in plan.columns]
    compared: list[tuple[Column, Relation]] = [(c.column, relation) for c in plan.columns for relation in c.compare]
    relational: list[RelationalFile] = []
    derived: list[RelationalFile] = []
    for number, file in enumerate(sorted(definitions.relational, key=lambda file: bool(file.spec.reads))):
        progress(f"evidence {file.name}", number, len(definitions.relational))
        made = {column.name for column in columns}
        what, absent = "column", [name for name in file.spec.reads if name not in made]
        if not file.spec.reads:
            what, absent = "table", [name for name in file.spec.needs if name != "people" and not data.has(name)]
        if absent:
            left_out.append(f"{file.name}: there is no {what} {', '.join(absent)}")
            continue
        if not file.spec.reads:
            run_relational(data, file)
        (derived if file.spec.reads else relational).append(file)
        for name, words in file.spec.columns.items():
            column = Column(
                name,
                file.name,
                words.reason or file.name,
                file.spec.zh,
                file.spec.en,
                words.zh,
                words.en,
                words.unit,
                words.better,
                words.owner,
            )
            columns.append(column)
            compared += [(column, relation) for relation in words.compare]
    if relational:
        _join_relational(data, relational)
    groups = _relations(people)
    kept = [(column, relation) for column, relation in compared if (groups[relation] >= 0).any()]
    for relation in sorted({relation for _, relation in compared} - {relation for _, relation in kept}):
        left_out.append(f"comparison with {relation}: positions does not say who that is")
    columns += [column.compared(relation) for column, relation in kept]
    require_unique_names(columns)
    job = Job(
        data, plan, grid, None, people, person * len(days) + when, persons, departments, relational, derived, columns,
        [(column.name, relation) for column, relation in kept], _decimals(data), left_out,
        record_begins(data, as_ofs) if plan.columns else {},
    )  # fmt: skip
    if plan.columns:
        progress("one pass over the log", 0, 1)
        data.connection.register(
            "person_arrays",
            pa.table(
                {"employee_id": pa.array(persons, pa.string()), "person": np.arange(len(persons), dtype=np.int32)}
            ),
        )
        data.connection.execute("create or replace temp table persons as select * from person_arrays")
        data.connection.unregister("person_arrays")
        job.log = part_log(data, plan, grid, job.decimals, folder=folder, n_persons=len(persons), size=_size(job))
    return job


def _decimals(data: Data) -> int:
    return (data.specs["events"].value_decimals or 0) if data.has("events") else 0


def _relations(people: pd.DataFrame) -> dict[Relation, Ints]:
    """For each relation the group of every row, −1 where it is not known: one manager, or one role family and level."""
    as_of = people["as_of"].to_numpy()

    def groups(*names: str) -> Ints:
        known = people[list(names)].notna().all(axis=1).to_numpy()
        codes = people.assign(_as_of=as_of).groupby(["_as_of", *names], sort=False, dropna=False).ngroup().to_numpy()
        return np.where(known, codes, -1).astype(np.int64)

    return {"team": groups("manager_id"), "peers": groups("role_family", "level")}


def batches(job: Job, progress: Progress) -> Iterator[pa.RecordBatch]:
    """Batches of persons, each with the columns that need nobody else."""
    n_as_ofs, n_persons = len(job.grid.as_ofs), len(job.persons)
    size = job.log.size if job.log is not None else _size(job)
    ids = pa.array(job.people["employee_id"].to_numpy(dtype=object), pa.string())
    days = pa.array(job.people["as_of"].to_numpy().astype("M8[D]"), pa.date32())
    for part, low in enumerate(range(0, n_persons, size)):
        n = min(size, n_persons - low)
        progress("windows", low, n_persons)
        first, last = np.searchsorted(job.rows, [low * n_as_ofs, (low + n) * n_as_ofs])
        person, as_of = np.divmod(job.rows[first:last] - low * n_as_ofs, n_as_ofs)
        cell = as_of * n + person
        made: dict[str, Floats] = {}
        if job.log is not None:
            rows = job.log.rows(part)
            made |= cell_columns(rows, job.plan, job.grid, low, n, job.decimals)
            made |= pair_columns(rows, job.plan, job.grid, low, n, job.departments)
        arrays: dict[str, pa.Array] = {
            "employee_id": ids.slice(first, last - first),
            "as_of": days.slice(first, last - first),
        }
        for name in [c.column.name for c in job.plan.columns]:
            arrays[name] = pa.array(made.pop(name).ravel()[cell], from_pandas=True)
        if job.relational:
            arrays |= _relational_batch(job.data, int(first), int(last))
        for file in job.derived:
            arrays |= _derived_batch(job.data, file, arrays)
        yield pa.RecordBatch.from_pydict(arrays)
        progress("windows", low + n, n_persons)


def _size(job: Job) -> int:
    """Persons of a batch: as many as their rows of the log, cubes and columns leave room for."""
    n_persons = len(job.persons)
    rows = BYTES_OF_ROW * job.data.rows_read.get("events", 0) // n_persons
    cubes = 2 * job.plan.n_channels * (2 * len(job.grid.edges) + len(job.grid.as_ofs))
    size = BATCH_BYTES // (rows + 8 * cubes + 2 * 8 * len(job.grid.as_ofs) * len(job.columns))
    return max(1, size, -(-n_persons // MOST_BATCHES))


def _join_relational(data: Data, relational: list[RelationalFile]) -> None:
    """Make the temp table ``relational``: a row for each of ``people``, numbered and lying in their order."""
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
    found = data.connection.sql(query).to_arrow_table()
    assert found.num_rows == last - first
    return {column: found.column(column).combine_chunks() for column in found.column_names}


def _derived_batch(data: Data, file: RelationalFile, made: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of a file that reads the evidence ``made`` so far of a batch of persons, in their order."""
    given = {name: made[name] for name in ("employee_id", "as_of", *file.spec.reads)}
    given["_row"] = pa.array(np.arange(len(given["as_of"])))
    data.connection.register("evidence", pa.table(given))
    run_relational(data, file)
    columns = ", ".join(f"r.{quoted(column)}::double as {quoted(column)}" for column in file.spec.columns)
    found = data.connection.sql(
        f"select {columns} from evidence left join {evidence_table(file.name)} r using (employee_id, as_of) order by _row"
    ).to_arrow_table()
    data.connection.unregister("evidence")
    return {column: found.column(column).combine_chunks() for column in found.column_names}


def compare(job: Job, held: dict[str, Floats]) -> list[Floats]:
    """The comparisons with team and peers, in the order of ``job.compared``, from the columns they compare."""
    groups = _relations(job.people)
    return [z_scores(held[base], groups[relation]) for base, relation in job.compared]
