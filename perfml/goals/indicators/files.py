"""The figures of metrics kept by date under ``home/indicators``, for the service: of metrics, and nobody's. Light."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from perfml.dated_files import dates_in, pick
from perfml.goals.indicators.record import IndicatorsRecord
from perfml.scoring.sealed_files import open_sealed, write_sealed

FOLDER = "indicators"


def keep_indicators(record: IndicatorsRecord, home: Path) -> Path:
    """Keep ``record`` in place of an earlier one of its date."""
    rows = pa.table({"record": pa.array([record.model_dump_json()], pa.string())})
    return write_sealed([rows], home, f"{FOLDER}/{record.as_of}.parquet")


def kept_indicators(home: Path, as_of: dt.date | None = None) -> IndicatorsRecord | None:
    """The figures of ``as_of`` (default: the newest); None where none were kept. Raises
    :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    day = pick(dates_in(home / FOLDER), as_of)
    if day is None:
        return None
    with open_sealed(home / FOLDER / f"{day}.parquet") as sealed:
        (text,) = sealed.file.read(["record"], use_threads=False).column("record").to_pylist()
    return IndicatorsRecord.model_validate_json(text)
