"""What policies would change, kept by date under ``home/what_if/<policy>``: figures of groups, and nobody's. Light."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from perfml.dated_files import dates_in, pick
from perfml.home_reads import note_file
from perfml.scoring.sealed_files import open_sealed, write_sealed
from perfml.scoring.what_if.record import PolicyRecord

FOLDER = "what_if"


def keep_policy(record: PolicyRecord, home: Path) -> Path:
    """Keep ``record`` in place of an earlier one of its date."""
    rows = pa.table({"record": pa.array([record.model_dump_json()], pa.string())})
    return write_sealed([rows], home, f"{FOLDER}/{record.policy}/{record.as_of}.parquet")


def kept_policies(home: Path, *, policy: str | None = None, as_of: dt.date | None = None) -> list[PolicyRecord]:
    """The records of ``as_of`` (default: the newest of each policy), by name. Raises
    :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    folder = home / FOLDER
    note_file(folder)
    names = sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
    days = {name: pick(dates_in(folder / name), as_of) for name in names if policy in (None, name)}
    return [_read(folder / name / f"{day}.parquet") for name, day in days.items() if day is not None]


def _read(path: Path) -> PolicyRecord:
    with open_sealed(path) as sealed:
        (text,) = sealed.file.read(["record"], use_threads=False).column("record").to_pylist()
    return PolicyRecord.model_validate_json(text)
