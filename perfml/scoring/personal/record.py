"""What is held about a person, table by table: their rows for a reader, with what each column means.

The types are what the service answers with. Light: nothing is computed, and no data of the company is read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from perfml.messages import Bilingual
from perfml.project.voices import Who
from perfml.scoring.personal.files import PEERS, KeptRow, KeptTable
from perfml.scoring.personal.standing import (
    RecordReading,
    StandingRecord,
    is_own,
    row_key,
    standing_record,
    visible_values,
)
from perfml.scoring.score_files import NoScore


class PersonalPart(BaseModel):
    """The base of what is said about a person: frozen; an attribute's docstring is its description in the OpenAPI document."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class RecordColumn(PersonalPart):
    """What a column of a table means."""

    name: str
    label: Bilingual
    type: str
    """text, date, timestamp, double, int, bool or list."""


class RecordRow(PersonalPart):
    """One row about a person."""

    key: str | None
    """What a dispute names it by; null for what somebody else did, which is not the person's to dispute."""
    day: dt.date
    """When it happened."""
    known: dt.date
    """When the company could first read it."""
    values: Mapping[str, str]
    """Column → value as text; empty ones are left out."""


class RecordTable(PersonalPart):
    """The rows of one table."""

    name: str
    title: Bilingual
    columns: tuple[RecordColumn, ...]
    used_for: tuple[Bilingual, ...]
    """The evidence that is made from such rows."""
    rows: tuple[RecordRow, ...]
    """Newest first."""


class PersonalRecord(PersonalPart):
    """What is held about one person as known before a date."""

    employee_id: str
    as_of: dt.date
    reader: Who
    withheld: Bilingual | None
    """Why nothing is shown: the person opted out."""
    tables: tuple[RecordTable, ...]


def personal_record(
    home: Path, employee_id: str, *, reading: RecordReading, as_of: dt.date | None = None
) -> PersonalRecord:
    """What is held about a person at ``as_of`` (default: the newest date with rows), for ``reading``.

    Raises :class:`NoScore` where nothing is kept of that date or person, :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """
    record = standing_record(home, employee_id, as_of)
    require_rows(record)
    return PersonalRecord(
        employee_id=employee_id,
        as_of=record.as_of,
        reader=reading.reader,
        withheld=record.withheld,
        tables=record_tables(record, tuple(row for row in record.rows if row.table != PEERS), reading),
    )


def require_rows(record: StandingRecord) -> None:
    """Raise :class:`NoScore` for somebody of whom nothing is kept."""
    if not record.rows and record.withheld is None:
        raise NoScore(
            "has no rows",
            where=f"{record.employee_id!r} at {record.as_of}",
            remedy="check the id and the date; people are known once a date has been scored",
        )


def record_tables(record: StandingRecord, rows: tuple[KeptRow, ...], reading: RecordReading) -> tuple[RecordTable, ...]:
    """``rows`` of a record, table after table, as far as a reader may see them."""
    parts = ((name, tuple(part)) for name, part in groupby(rows, key=lambda row: row.table))
    return tuple(
        _table(name, record.contents.tables[name], part, employee_id=record.employee_id, reading=reading)
        for name, part in parts
        if reading.reader in record.contents.tables[name].shown_to
    )


def _table(
    name: str, table: KeptTable, rows: tuple[KeptRow, ...], *, employee_id: str, reading: RecordReading
) -> RecordTable:
    shown = tuple(
        RecordRow(
            key=row_key(row, table, employee_id) if is_own(row, table, employee_id) else None,
            day=row.day,
            known=row.known,
            values=visible_values(row, table, employee_id, reading=reading),
        )
        for row in rows
    )
    filled = {column for row in shown for column in row.values}
    columns = [column for column in table.columns if column.name in filled]
    return RecordTable(
        name=name,
        title=table.title,
        columns=tuple(RecordColumn(name=each.name, label=each.label, type=each.type) for each in columns),
        used_for=table.used_for,
        rows=shown,
    )
