"""Reports of one date each, kept as a sealed table with their notices beside it, and reading these back. Light."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pydantic import TypeAdapter

from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.scoring.sealed_files import open_sealed, write_sealed

_NOTICES = TypeAdapter(tuple[Message, ...])


class DatedReport(Protocol):
    """What is said at one date, and what could not be."""

    @property
    def as_of(self) -> dt.date:
        """The date; only what was known before it counts."""
        ...

    @property
    def table(self) -> pa.Table:
        """Its rows."""
        ...

    @property
    def notices(self) -> tuple[Message, ...]:
        """What could not be said, and why."""
        ...


def keep_report(report: DatedReport, home: Path, folder: str, *, record: JsonObject) -> Path:
    """Keep a report under ``home/<folder>`` with the ``record`` of its run, in place of an earlier one of its date."""
    whole = {**record, "notices": _NOTICES.dump_python(report.notices, mode="json")}
    return write_sealed([report.table], home, f"{folder}/{report.as_of}.parquet", record=whole)


def report_notices(path: Path) -> tuple[Message, ...]:
    """What could not be said when a file was made, and why. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    with open_sealed(path) as sealed:
        return sealed.once("notices", lambda: _NOTICES.validate_python(sealed.record["notices"]))
