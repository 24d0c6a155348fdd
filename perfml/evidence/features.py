"""One row of evidence per (employee, as-of date): windows, relational evidence and comparisons side by side."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.arrays import Bools, Objects
from perfml.evidence.columns import Column
from perfml.evidence.engines import Engine
from perfml.evidence.engines.duckdb import DuckDBEngine
from perfml.evidence.engines.evidence_file import METADATA, MISSING
from perfml.evidence.engines.layout import exposure_of, lost_kinds, plan_of, require_people
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.log.grid import Grid, epoch_days
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.messages import Message, render
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions

ROWS_AT_ONCE = 65_536
"""Rows of an evidence file that are held beside those that are asked for."""


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
    among: Callable[[Objects], Bools] | None = None,
    progress: Progress = SILENT,
) -> Evidence:
    """The evidence of everyone employed at each of ``as_ofs``, as a frame. See :func:`write`.

    ``among``: of employee ids (n,), whose rows to hold in memory. Comparisons with others are with everyone all the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.parquet"
        write(data, definitions, as_ofs, path, kinds=kinds, estimate=estimate, progress=progress)
        return read(path, among=among)


def read(path: Path, *, among: Callable[[Objects], Bools] | None = None) -> Evidence:
    """The evidence that :func:`write` wrote; see :func:`build`."""
    table = pq.read_table(path) if among is None else _read_among(path, among)
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


def _read_among(path: Path, among: Callable[[Objects], Bools]) -> pa.Table:
    """The rows of some people, without holding those of the others at once."""
    with pq.ParquetFile(path) as file:
        parts = [
            batch.filter(pa.array(among(batch.column("employee_id").to_numpy(zero_copy_only=False))))
            for batch in file.iter_batches(ROWS_AT_ONCE)
        ]
        return pa.Table.from_batches(parts, file.schema_arrow)


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
    return engine_of(data).write(
        definitions, sorted(set(as_ofs)), out, kinds=kinds, estimate=estimate, progress=progress
    )


def missing_days(data: Data, definitions: Definitions, as_ofs: Sequence[dt.date]) -> tuple[MissingDays, ...]:
    """The holes of the log known at each date of ``as_ofs``, with the people and the evidence that they reach."""
    engine_of(data).make_snapshots(as_ofs)
    require_people(data, as_ofs)
    plan = plan_of(data, definitions, None, before=as_ofs[-1], left_out=[])
    lost = lost_kinds(data, definitions, plan, as_ofs=as_ofs)
    exposure = exposure_of(plan, Grid(epoch_days(as_ofs), plan.windows), lost, np.empty(0, object), estimate=False)
    return exposure.reached(plan) if exposure else ()


def engine_of(data: Data) -> Engine:
    """What computes the evidence of ``data``."""
    return DuckDBEngine(data) if data.engine is None else data.engine
