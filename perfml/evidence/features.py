"""One row of evidence per (employee, as-of date): windows, relational evidence and comparisons put side by side.

Memory stays bounded: persons go through in batches, which are written as they are made; only the columns that are compared
with others are held whole.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import DataError
from perfml.evidence.cells import Log, aggregate, discover_kinds
from perfml.evidence.columns import Column, refuse_twins
from perfml.evidence.comparison import z_scores
from perfml.evidence.grid import Grid, epoch_days
from perfml.evidence.kernel import cell_columns
from perfml.evidence.pairs import pair_columns
from perfml.evidence.reading import unreadable
from perfml.evidence.snapshots import evidence_table, make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.evidence.windows import Plan, compile_windows
from perfml.files import whole_file
from perfml.project.project import Definitions
from perfml.project.spec import Relation

BATCH_BYTES = 800_000_000
"""What one batch of persons may take."""
BYTES_OF_ROW = 100
"""What one row of the log takes while its batch is worked out."""
KEYS = ("employee_id", "as_of")
METADATA = b"perfml"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Evidence:
    """A frame of evidence and what its columns mean."""

    frame: pd.DataFrame
    """``employee_id`` (text), ``as_of`` (date) and one float column for each of ``columns``."""
    columns: tuple[Column, ...]
    kinds: tuple[str, ...]
    """The raw kinds of event that have columns."""
    left_out: tuple[str, ...] = ()
    """Kinds of evidence whose tables are absent, with the reason."""


def build(
    data: Data,
    definitions: Definitions,
    as_ofs: Sequence[dt.date],
    *,
    kinds: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Evidence:
    """The evidence of everyone employed at each of ``as_ofs``, as a frame. See :func:`write`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.parquet"
        write(data, definitions, as_ofs, path, kinds=kinds, progress=progress)
        return read(path)


def read(path: Path) -> Evidence:
    """The evidence that :func:`write` wrote."""
    table = pq.read_table(path)
    said = json.loads(table.schema.metadata[METADATA])
    frame = table.to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    columns = tuple(Column.from_json(raw) for raw in said["columns"])
    return Evidence(frame, columns, tuple(said["kinds"]), tuple(said["left_out"]))


def describe(path: Path) -> dict[str, Any]:
    """What the columns of an evidence file mean, its kinds of event, and what was left out, without reading its rows."""
    said: dict[str, Any] = json.loads(pq.read_schema(path).metadata[METADATA])
    return said


def write(
    data: Data,
    definitions: Definitions,
    as_ofs: Sequence[dt.date],
    out: Path,
    *,
    kinds: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> int:
    """Write the evidence to the Parquet file ``out`` (whole or not at all); return its rows.

    ``kinds``: the raw kinds of event that get columns (a model's own); default: those the log holds. Rows are ordered by
    employee_id, then as_of. Raises :class:`DataError` when nobody was employed at any of ``as_ofs``, or the log is damaged.
    """
    tell = progress or (lambda what, done, total: None)
    try:
        job = _prepare(data, definitions, sorted(set(as_ofs)), kinds, tell)
    except duckdb.Error as error:  # the log is read where it lies, so damage in it may show here only
        raise unreadable(data.source, error) from None
    names = [c.name for c in job.columns]
    held: dict[str, list[npt.NDArray[np.float64]]] = {base: [] for base, _ in job.compared}
    fields = [("employee_id", pa.string()), ("as_of", pa.date32())] + [(name, pa.float64()) for name in names]
    said = {"columns": [c.to_json() for c in job.columns], "kinds": job.plan.kinds, "left_out": job.left_out}
    schema = pa.schema(fields, metadata={METADATA: json.dumps(said, ensure_ascii=False).encode()})
    n_base = len(names) - len(job.compared)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        spool = Path(folder) / "batches.arrow"
        base_schema = pa.schema(list(schema)[: 2 + n_base])
        with pa.OSFile(str(spool), "wb") as sink, pa.ipc.new_file(sink, base_schema) as writer:
            for batch in _batches(job, tell):
                for base, rows in held.items():
                    rows.append(batch.column(base).to_numpy(zero_copy_only=False))
                writer.write_batch(batch)
        if job.log is not None:
            job.log.close()
        scores = _compare(job, {base: np.concatenate(rows) for base, rows in held.items()})
        with whole_file(out) as path, pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, use_dictionary=["employee_id"], write_statistics=False) as parquet:
            with pa.OSFile(str(spool)) as source:
                reader = pa.ipc.open_file(source)
                low = 0
                for i in range(reader.num_record_batches):
                    part = reader.get_batch(i)
                    extra = [pa.array(z[low : low + part.num_rows], from_pandas=True) for z in scores]
                    parquet.write_table(pa.Table.from_arrays([*part.columns, *extra], schema=schema))
                    low += part.num_rows
                    tell("writing", i + 1, reader.num_record_batches)
    return len(job.rows)


@dataclass
class _Job:
    data: Data
    plan: Plan
    grid: Grid
    log: Log | None
    people: pd.DataFrame
    rows: npt.NDArray[np.int64]
    """Flat index person × as-of date of each row of ``people``."""
    persons: npt.NDArray[np.object_]
    departments: npt.NDArray[np.int32]
    relational: list[tuple[str, tuple[str, ...]]]
    columns: list[Column]
    compared: list[tuple[str, Relation]]
    decimals: int
    left_out: list[str] = field(default_factory=list)


def _prepare(data: Data, definitions: Definitions, as_ofs: list[dt.date], kinds: Sequence[str] | None, tell: Progress) -> _Job:
    tell("people", 0, 1)
    make_snapshots(data, as_ofs)
    people = data.connection.execute("select * from people order by employee_id, as_of").df()
    if people.empty:
        raise DataError("nobody was employed", where=f"{data.source} at {as_ofs[0]} … {as_ofs[-1]}", remedy="choose later dates")
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
    relational = []
    for number, file in enumerate(definitions.relational):
        tell(f"evidence {file.name}", number, len(definitions.relational))
        absent = [table for table in file.spec.needs if table != "people" and not data.has(table)]
        if absent:
            left_out.append(f"{file.name}: there is no table {', '.join(absent)}")
            continue
        run_relational(data, file)
        relational.append((file.name, tuple(file.spec.columns)))
        for name, words in file.spec.columns.items():
            column = Column(
                name, file.name, words.reason or file.name, file.spec.zh, file.spec.en, words.zh, words.en, words.unit, words.better, words.owner
            )
            columns.append(column)
            compared += [(column, relation) for relation in words.compare]
    groups = _relations(people)
    kept = [(column, relation) for column, relation in compared if (groups[relation] >= 0).any()]
    for relation in sorted({relation for _, relation in compared} - {relation for _, relation in kept}):
        left_out.append(f"comparison with {relation}: positions does not say who that is")
    columns += [column.compared(relation) for column, relation in kept]
    refuse_twins(columns)
    job = _Job(
        data, plan, grid, None, people, person * len(days) + when, persons, departments, relational, columns,
        [(column.name, relation) for column, relation in kept], _decimals(data), left_out,
    )  # fmt: skip
    if plan.columns:
        tell("one pass over the log", 0, 1)
        data.connection.register("person_arrays", pa.table({"employee_id": pa.array(persons, pa.string()), "person": np.arange(len(persons), dtype=np.int32)}))
        data.connection.execute("create or replace temp table persons as select * from person_arrays")
        data.connection.unregister("person_arrays")
        job.log = aggregate(data, plan, grid, job.decimals)
    return job


def _decimals(data: Data) -> int:
    return (data.specs["events"].value_decimals or 0) if data.has("events") else 0


def _relations(people: pd.DataFrame) -> dict[Relation, npt.NDArray[np.int64]]:
    """For each relation the group of every row, −1 where it is not known: one manager, or one role family and level."""
    as_of = people["as_of"].to_numpy()

    def groups(*names: str) -> npt.NDArray[np.int64]:
        known = people[list(names)].notna().all(axis=1).to_numpy()
        codes = people.assign(_as_of=as_of).groupby(["_as_of", *names], sort=False, dropna=False).ngroup().to_numpy()
        return np.where(known, codes, -1).astype(np.int64)

    return {"team": groups("manager_id"), "peers": groups("role_family", "level")}


def _batches(job: _Job, tell: Progress) -> Iterator[pa.RecordBatch]:
    """Batches of persons, each with the columns that need nobody else."""
    n_as_ofs, n_persons = len(job.grid.as_ofs), len(job.persons)
    size = max(1, min(n_persons, BATCH_BYTES // _bytes_of_person(job)))
    for low in range(0, n_persons, size):
        n = min(size, n_persons - low)
        tell("windows", low, n_persons)
        first, last = np.searchsorted(job.rows, [low * n_as_ofs, (low + n) * n_as_ofs])
        person, as_of = np.divmod(job.rows[first:last] - low * n_as_ofs, n_as_ofs)
        cell = as_of * n + person
        made: dict[str, npt.NDArray[np.float64]] = {}
        if job.log is not None:
            rows = job.log.rows(low, low + n)
            made |= cell_columns(rows, job.plan, job.grid, low, n, job.decimals)
            made |= pair_columns(rows, job.plan, job.grid, low, n, job.departments)
        arrays: dict[str, pa.Array] = {
            "employee_id": pa.array(job.people["employee_id"].to_numpy(dtype=object)[first:last], pa.string()),
            "as_of": pa.array(job.people["as_of"].to_numpy().astype("M8[D]")[first:last], pa.date32()),
        }
        for name in [c.column.name for c in job.plan.columns]:
            arrays[name] = pa.array(made.pop(name).ravel()[cell], from_pandas=True)
        for name, columns in job.relational:
            arrays |= _relational_batch(job, name, columns, first, last)
        yield pa.RecordBatch.from_pydict(arrays)
        tell("windows", low + n, n_persons)


def _bytes_of_person(job: _Job) -> int:
    """What one person of a batch takes: rows of the log, cubes of counts, sums and days, and the columns made from them."""
    rows = job.log.n_rows // len(job.persons) + 1 if job.log is not None else 0
    cubes = 2 * job.plan.n_channels * (2 * len(job.grid.edges) + len(job.grid.as_ofs))
    return BYTES_OF_ROW * rows + 8 * cubes + 2 * 8 * len(job.grid.as_ofs) * len(job.columns)


def _relational_batch(job: _Job, name: str, columns: tuple[str, ...], first: int, last: int) -> dict[str, pa.Array]:
    ids = job.people["employee_id"]
    wanted = ", ".join(f'r."{column}"::double as "{column}"' for column in columns)
    found = job.data.connection.sql(
        f"select {wanted} from people p left join {evidence_table(name)} r on r.employee_id = p.employee_id and r.as_of = p.as_of"
        " where p.employee_id between ? and ? order by p.employee_id, p.as_of",
        params=[ids.iloc[first], ids.iloc[last - 1]],
    ).to_arrow_table()
    assert found.num_rows == last - first
    return {column: found.column(column).combine_chunks() for column in columns}


def _compare(job: _Job, held: dict[str, npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]]:
    groups = _relations(job.people)
    return [z_scores(held[base], groups[relation]) for base, relation in job.compared]
