"""The Parquet file of evidence: its columns, and what it tells of itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from perfml.evidence.columns import Column
from perfml.evidence.engines.layout import Layout
from perfml.evidence.holes.hole import MissingDays

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


def evidence_schema(layout: Layout) -> pa.Schema:
    """The columns of the file, with the metadata under :data:`METADATA`."""
    metadata = {
        "columns": [c.to_json() for c in layout.columns],
        "kinds": layout.plan.kinds,
        "left_out": [notice.model_dump(mode="json") for notice in layout.left_out],
        "record_begins": {str(as_of): str(first) for as_of, first in layout.record_begins.items()},
        "missing": MISSING.dump_python(layout.missing, mode="json"),
    }
    return fields_of(layout.columns).with_metadata({METADATA: json.dumps(metadata, ensure_ascii=False).encode()})


def fields_of(columns: Sequence[Column]) -> pa.Schema:
    """The schema of rows with ``columns``."""
    return pa.schema([("employee_id", pa.string()), ("as_of", pa.date32()), *((c.name, pa.float64()) for c in columns)])


def parquet_writer(path: Path, layout: Layout) -> pq.ParquetWriter:
    """A writer of the file."""
    repeating = ["employee_id", *(c.column.name for c in layout.plan.columns if c.measure in WHOLE_NUMBERS)]
    schema = evidence_schema(layout)
    return pq.ParquetWriter(path, schema, compression="snappy", use_dictionary=repeating, write_statistics=False)
