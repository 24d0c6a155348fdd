"""The file of a day with everyone's own rows, ``home/records/<as_of>.parquet``: sealed, and read one person at a time.

It says itself what its tables and columns mean, in both languages, as they were defined when it was written. Light: the service
reads with pyarrow alone.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from perfml.dated_files import dates_in
from perfml.evidence.log.traces import ColumnTrace
from perfml.messages import Bilingual
from perfml.project.voices import Who
from perfml.scoring.score_files import NoScore
from perfml.scoring.sealed_files import DamagedFile, SealedFile, open_sealed, write_sealed

FOLDER = "records"
ROWS_AT_ONCE = 1_000
"""Rows of a row group: those of two or three people, as one of them is read at a time."""
MOST = 25
"""Rows of one person in one table that are kept; in the log, of one kind and side."""
_EPOCH = dt.date(1970, 1, 1).toordinal()
LOG = "events"
"""The table of the log, whose rows are also about the counterpart."""
PEERS = "peers"
"""The name, among the tables of a person, of the rows with their figures beside those of others."""
PEER_COLUMNS = ("measure", "value", "mean", "others", "group", "name")
"""The values of such a row: the person's, and the mean of how many others, of which group."""
HIDDEN = frozenset({"known_at"})
"""Columns of the contract whose value stands beside the row."""
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("table", pa.string()),
        ("day", pa.date32()),
        ("known", pa.date32()),
        ("values", pa.list_(pa.string())),
    ]
)
"""A row of a table about a person: when it happened and became known, and its values as text in the order of the columns that the
record of the file names. Sorted by person."""


class _KeptPart(BaseModel):
    model_config = ConfigDict(frozen=True)


class KeptColumn(_KeptPart):
    """What a column means."""

    name: str
    label: Bilingual
    type: str
    """As in the contract: text, date, timestamp, double, int, bool or list."""
    others: bool = False
    """Whether it names another person."""


class KeptTable(_KeptPart):
    """What a table means, and how its rows are identified."""

    title: Bilingual
    columns: tuple[KeptColumn, ...]
    key: tuple[str, ...]
    owner: str | None
    """The column that says whose a row is; None where a goal does."""
    happened: str | None
    shown_to: tuple[Who, ...]
    used_for: tuple[Bilingual, ...] = ()
    """The evidence that is made from it."""


class PeerMeasure(_KeptPart):
    """What a figure of a person beside others means."""

    title: Bilingual
    unit: str


class RecordContents(_KeptPart):
    """What the record of a file says beside its rows."""

    holds: int | None = None
    """The number of the newest entry about holds that the data were opened under."""
    made_from: str = ""
    """What changes with the data, the definitions and who is left out: the same again need not be written again."""
    tables: Mapping[str, KeptTable] = {}
    courses: Mapping[str, str] = {}
    """Course id → title."""
    peers: Mapping[str, PeerMeasure] = {}
    """The figures of people beside others, in the order of their definition."""
    traces: Mapping[str, ColumnTrace] = {}
    """Column of evidence → from which rows it is computed."""


@dataclass(frozen=True, kw_only=True)
class KeptRow:
    """One row as it was when the file was written."""

    table: str
    day: dt.date
    known: dt.date
    values: Mapping[str, str]
    """Column → value as text; empty ones are left out."""


@dataclass(frozen=True, kw_only=True)
class KeptRecord:
    """The rows of one person in the file of one date."""

    as_of: dt.date
    contents: RecordContents
    rows: tuple[KeptRow, ...]
    """Table after table, newest first."""


def write_records(parts: Iterable[pa.Table], home: Path, *, as_of: dt.date, contents: RecordContents) -> Path:
    """Write the rows of a date, sorted by person, in place of an earlier run's."""
    return write_sealed(
        parts, home, f"{FOLDER}/{as_of}.parquet", record=contents.model_dump(mode="json"), row_group=ROWS_AT_ONCE
    )


def made_from(home: Path, as_of: dt.date) -> str:
    """What the file of a date was made from; empty where there is no sound one."""
    try:
        with open_sealed(home / FOLDER / f"{as_of}.parquet") as sealed:
            return _contents(sealed).made_from
    except DamagedFile:
        return ""


def _contents(sealed: SealedFile) -> RecordContents:
    return sealed.once("contents", lambda: RecordContents.model_validate(sealed.record))


def read_person(home: Path, employee_id: str, as_of: dt.date | None = None) -> KeptRecord:
    """The rows of a person at ``as_of``, in the newest file up to then (default: the newest).

    Raises :class:`NoScore` where no file is that old, :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """
    folder = home / FOLDER
    day = next((day for day in dates_in(folder) if as_of is None or day <= as_of), None)
    if day is None:
        raise NoScore(
            "no rows of people are stored" + (f" up to {as_of}" if as_of else ""),
            where=str(folder),
            remedy="they are stored with the next `perfml score`",
        )
    with open_sealed(folder / f"{day}.parquet") as sealed:
        contents = _contents(sealed)
        return KeptRecord(as_of=day, contents=contents, rows=tuple(_rows(sealed, contents, employee_id)))


def _rows(sealed: SealedFile, contents: RecordContents, employee_id: str) -> Iterator[KeptRow]:
    first, last = sealed.once("bounds", lambda: (_bounds(sealed, "min"), _bounds(sealed, "max")))
    names = {name: tuple(column.name for column in table.columns) for name, table in contents.tables.items()}
    names[PEERS] = PEER_COLUMNS
    for group in range(bisect_left(last, employee_id), bisect_right(first, employee_id)):
        part = sealed.file.read_row_group(group, SCHEMA.names, use_threads=False)
        ids = part.column(0).to_pylist()
        low, high = bisect_left(ids, employee_id), bisect_right(ids, employee_id)
        if low < high:
            columns = part.slice(low, high - low).columns[1:]
            tables, days, known, lists = (column.combine_chunks() for column in columns)
            values, end = lists.flatten().to_pylist(), 0
            for table, day, since in zip(tables.to_pylist(), _days(days), _days(known), strict=True):
                begin, end = end, end + len(names[table])
                pairs = zip(names[table], values[begin:end], strict=True)
                yield KeptRow(
                    table=table,
                    day=day,
                    known=since,
                    values={column: value for column, value in pairs if value is not None},
                )


def _days(dates: pa.Array) -> list[dt.date]:
    """The dates of an array: one by one pyarrow takes ten times as long."""
    return [dt.date.fromordinal(_EPOCH + number) for number in dates.view(pa.int32()).to_pylist()]


def _bounds(sealed: SealedFile, end: Literal["min", "max"]) -> list[str]:
    """The first or the last person of each row group."""
    footer = sealed.file.metadata
    groups = (footer.row_group(group).column(0).statistics for group in range(footer.num_row_groups))
    return [str(getattr(statistics, end)) for statistics in groups]
