"""One row of evidence per (employee, as-of date): windows, relational evidence and comparisons put side by side.

Memory stays bounded: persons go through in batches, which are written as they are made; only the columns that are compared
with others are held whole.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.arrays import Floats
from perfml.evidence.batches import Job, batches, compare, prepare
from perfml.evidence.columns import Column
from perfml.evidence.reading import unreadable
from perfml.evidence.sources import Data
from perfml.files import atomic_write
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions

ROWS_OF_GROUP = 100_000
"""Of the Parquet file, at least."""
WHOLE_NUMBERS = ("count", "active_days", "days_since_last", "distinct_counterparts", "mutual_counterparts")
"""Measures whose values repeat often enough to be written by way of a dictionary."""
METADATA = b"perfml"


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
    record_begins: Mapping[dt.date, dt.date] = field(default_factory=dict)
    """For each as-of date the first day of the log, as it was known then."""


def build(
    data: Data,
    definitions: Definitions,
    as_ofs: Sequence[dt.date],
    *,
    kinds: Sequence[str] | None = None,
    progress: Progress = SILENT,
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
    begins = {dt.date.fromisoformat(a): dt.date.fromisoformat(b) for a, b in said["record_begins"].items()}
    return Evidence(frame, columns, tuple(said["kinds"]), tuple(said["left_out"]), begins)


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
    progress: Progress = SILENT,
) -> int:
    """Write the evidence to the Parquet file ``out`` (whole or not at all); return its rows.

    ``kinds``: the raw kinds of event that get columns (a model's own); default: those the log holds. Rows are ordered by
    employee_id, then as_of. Raises :class:`DataError` when nobody was employed at any of ``as_ofs``, or the log is damaged.
    """

    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        folder = Path(name)
        try:
            job = prepare(data, definitions, sorted(set(as_ofs)), kinds, folder, progress)
        except duckdb.Error as error:  # the log is read where it lies, so damage in it may show here only
            raise unreadable(data.source, error) from None
        spool = folder / "batches.arrow"
        scores = compare(job, _spool(job, spool, progress))
        _finish(job, spool, scores, out, progress)
    return len(job.rows)


def _schema(job: Job) -> pa.Schema:
    said = {
        "columns": [c.to_json() for c in job.columns],
        "kinds": job.plan.kinds,
        "left_out": job.left_out,
        "record_begins": {str(as_of): str(first) for as_of, first in job.record_begins.items()},
    }
    fields = [("employee_id", pa.string()), ("as_of", pa.date32()), *((c.name, pa.float64()) for c in job.columns)]
    return pa.schema(fields, metadata={METADATA: json.dumps(said, ensure_ascii=False).encode()})


def _spool(job: Job, spool: Path, progress: Progress) -> dict[str, Floats]:
    """Write the columns that need nobody else to ``spool``; return those of them that are compared with others."""
    held: dict[str, list[Floats]] = {base: [] for base, _ in job.compared}
    base_schema = pa.schema(list(_schema(job))[: -len(job.compared) or None])
    with pa.OSFile(str(spool), "wb") as sink, pa.ipc.new_file(sink, base_schema) as writer:
        for batch in batches(job, progress):
            for base, rows in held.items():
                rows.append(batch.column(base).to_numpy(zero_copy_only=False))
            writer.write_batch(batch)
    return {base: np.concatenate(rows) for base, rows in held.items()}


def _finish(job: Job, spool: Path, scores: list[Floats], out: Path, progress: Progress) -> None:
    """Write ``out`` from ``spool`` and the comparisons."""
    with atomic_write(out) as path, pa.OSFile(str(spool)) as source, _parquet(path, job) as parquet:
        reader, low = pa.ipc.open_file(source), 0
        n = reader.num_record_batches
        step = ROWS_OF_GROUP // reader.get_batch(0).num_rows + 1
        for first in range(0, n, step):
            part = pa.Table.from_batches([reader.get_batch(number) for number in range(first, min(first + step, n))])
            extra = [pa.array(z[low : low + part.num_rows], from_pandas=True) for z in scores]
            parquet.write_table(pa.Table.from_arrays([*part.columns, *extra], schema=parquet.schema))
            low += part.num_rows
            progress("writing", min(first + step, n), n)


def _parquet(path: Path, job: Job) -> pq.ParquetWriter:
    repeating = ["employee_id", *(c.column.name for c in job.plan.columns if c.measure in WHOLE_NUMBERS)]
    return pq.ParquetWriter(path, _schema(job), compression="snappy", use_dictionary=repeating, write_statistics=False)
