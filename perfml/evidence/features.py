"""One row of evidence per (employee, as-of date): windows, relational evidence and comparisons side by side.

Memory stays bounded: persons are computed in batches, each written as soon as it is computed; only the columns that are
compared between people are held for everyone.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from perfml.arrays import Floats
from perfml.evidence.batches import Job, batches, between_people, prepare
from perfml.evidence.columns import Column
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import unreadable
from perfml.files import atomic_write
from perfml.json_types import JsonObject
from perfml.messages import Message, render
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions

ROWS_OF_GROUP = 100_000
"""Rows of a row group of the Parquet file, at least."""
WHOLE_NUMBERS = (
    "count",
    "active_days",
    "active_weeks",
    "days_since_active_day",
    "days_since_last",
    "distinct_counterparts",
    "mutual_counterparts",
)
"""Measures whose values repeat often enough for dictionary encoding."""
MISSING = TypeAdapter(tuple[MissingDays, ...])
METADATA = b"perfml"
"""Key of the Parquet metadata that describes the columns."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A frame of evidence, and what its columns mean."""

    frame: pd.DataFrame
    """``employee_id`` (text), ``as_of`` (date) and one float column for each of ``columns``."""
    columns: tuple[Column, ...]
    kinds: tuple[str, ...]
    """The raw kinds of event that have columns."""
    left_out: tuple[Message, ...] = ()
    """What could not be computed, with the reason."""
    record_begins: Mapping[dt.date, dt.date] = field(default_factory=dict)
    """The first day of the log as known at each as-of date."""
    missing: tuple[MissingDays, ...] = ()
    """The holes of the log that reach into the windows, one entry for each hole and as-of date."""

    def at(self, as_ofs: Sequence[dt.date]) -> Evidence:
        """The rows of some as-of dates."""
        chosen = self.frame["as_of"].isin(pd.to_datetime(list(as_ofs)))
        return self if chosen.all() else replace(self, frame=self.frame[chosen].reset_index(drop=True))


class EvidenceDescription(TypedDict):
    """What an evidence file tells of itself; ``record_begins`` maps as-of dates to first days, both as text."""

    columns: list[JsonObject]
    kinds: list[str]
    left_out: list[str]
    record_begins: dict[str, str]
    missing: list[JsonObject]


def build(
    data: Data,
    definitions: Definitions,
    as_ofs: Sequence[dt.date],
    *,
    kinds: Sequence[str] | None = None,
    estimate: bool = False,
    progress: Progress = SILENT,
) -> Evidence:
    """The evidence of everyone employed at each of ``as_ofs``, as a frame. See :func:`write`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.parquet"
        write(data, definitions, as_ofs, path, kinds=kinds, estimate=estimate, progress=progress)
        return read(path)


def read(path: Path) -> Evidence:
    """The evidence that :func:`write` wrote."""
    table = pq.read_table(path)
    metadata = json.loads(table.schema.metadata[METADATA])
    frame = table.to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    begins = metadata["record_begins"].items()
    return Evidence(
        frame=frame,
        columns=tuple(Column.from_json(raw) for raw in metadata["columns"]),
        kinds=tuple(metadata["kinds"]),
        left_out=_left_out(metadata),
        record_begins={dt.date.fromisoformat(as_of): dt.date.fromisoformat(first) for as_of, first in begins},
        missing=MISSING.validate_python(metadata["missing"], strict=False),
    )


def describe(path: Path) -> EvidenceDescription:
    """The metadata of an evidence file: ``columns``, ``kinds``, ``left_out``, ``record_begins``, ``missing``. Reads no rows."""
    metadata = json.loads(pq.read_schema(path).metadata[METADATA])
    metadata["left_out"] = [render(notice, "en") for notice in _left_out(metadata)]
    metadata["missing"] = [days.to_json() for days in MISSING.validate_python(metadata["missing"])]
    description: EvidenceDescription = metadata
    return description


def _left_out(metadata: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(Message.model_validate(notice) for notice in metadata["left_out"])


def write(
    data: Data,
    definitions: Definitions,
    as_ofs: Sequence[dt.date],
    out: Path,
    *,
    kinds: Sequence[str] | None = None,
    estimate: bool = False,
    progress: Progress = SILENT,
) -> int:
    """Write the evidence to the Parquet file ``out`` (whole or not at all); return the number of rows.

    ``kinds``: the raw kinds of event that get columns (a model's own); default: the kinds in the log. ``estimate``: where days
    of the log are missing, estimate what they would have held instead of leaving the evidence out. Rows are ordered by
    employee_id, then as_of. Raises :class:`DataError` when nobody was employed at any of ``as_ofs``, or the log is damaged.
    """
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        folder = Path(name)
        try:
            job = prepare(
                data,
                definitions,
                sorted(set(as_ofs)),
                kinds=kinds,
                folder=folder,
                progress=progress,
                estimate=estimate,
            )
        except duckdb.Error as error:  # the log is read from its own file, so damage in it may show only now
            raise unreadable(data.source, error) from None
        spool = folder / "batches.arrow"
        between = between_people(job, _spool(job, spool, progress))
        _finish(job, spool, between, out=out, progress=progress)
    return len(job.people.rows)


def _schema(job: Job) -> pa.Schema:
    metadata = {
        "columns": [c.to_json() for c in job.columns],
        "kinds": job.plan.kinds,
        "left_out": [notice.model_dump(mode="json") for notice in job.left_out],
        "record_begins": {str(as_of): str(first) for as_of, first in job.record_begins.items()},
        "missing": MISSING.dump_python(job.exposure.reached(job.plan) if job.exposure else (), mode="json"),
    }
    return _fields(job.columns).with_metadata({METADATA: json.dumps(metadata, ensure_ascii=False).encode()})


def _fields(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([("employee_id", pa.string()), ("as_of", pa.date32()), *((c.name, pa.float64()) for c in columns)])


def _spool(job: Job, spool: Path, progress: Progress) -> dict[str, Floats]:
    """Write all columns but those computed between people to ``spool``; return the values that these are computed from."""
    between = job.selection.between
    values: dict[str, list[Floats]] = {each.source.name: [] for each in between}
    with pa.OSFile(str(spool), "wb") as sink, pa.ipc.new_file(sink, _fields(job.selection.columns)) as writer:
        for batch in batches(job, progress):
            for name, parts in values.items():
                parts.append(batch.column(name).to_numpy(zero_copy_only=False))
            writer.write_batch(batch)
    return {name: np.concatenate(parts) for name, parts in values.items()}


def _finish(job: Job, spool: Path, between: list[Floats], *, out: Path, progress: Progress) -> None:
    """Write ``out`` from ``spool`` and the columns computed ``between`` people."""
    with atomic_write(out) as path, pa.OSFile(str(spool)) as source, _parquet(path, job) as parquet:
        reader, low = pa.ipc.open_file(source), 0
        n = reader.num_record_batches
        step = ROWS_OF_GROUP // reader.get_batch(0).num_rows + 1
        for first in range(0, n, step):
            part = pa.Table.from_batches([reader.get_batch(number) for number in range(first, min(first + step, n))])
            extra = [pa.array(column[low : low + part.num_rows], from_pandas=True) for column in between]
            parquet.write_table(pa.Table.from_arrays([*part.columns, *extra], schema=parquet.schema))
            low += part.num_rows
            progress("writing", min(first + step, n), n)


def _parquet(path: Path, job: Job) -> pq.ParquetWriter:
    repeating = ["employee_id", *(c.column.name for c in job.plan.columns if c.measure in WHOLE_NUMBERS)]
    return pq.ParquetWriter(path, _schema(job), compression="snappy", use_dictionary=repeating, write_statistics=False)
