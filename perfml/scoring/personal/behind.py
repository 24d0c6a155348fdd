"""The kept rows that the first column of a reason was computed from: like :mod:`perfml.evidence.behind`, without the data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from perfml.errors import PerfmlError
from perfml.evidence.log.traces import ColumnTrace, EventTrace
from perfml.messages import Bilingual
from perfml.project.column_names import compared_column
from perfml.project.voices import Who
from perfml.scoring.people.known import rows_of
from perfml.scoring.personal.files import LOG, KeptRow
from perfml.scoring.personal.record import PersonalPart, RecordTable, record_tables
from perfml.scoring.personal.standing import RecordReading, StandingRecord, is_own, standing_record
from perfml.scoring.score_files import NoScore, StoredScore, first_column, score_file

POSITION = ("employees", "positions")
"""The tables whose newest row says what evidence calls ``people``."""


class RowsBehind(PersonalPart):
    """The rows behind one reason."""

    employee_id: str
    as_of: dt.date
    model: str
    evidence: str
    column: str
    """The first column of the reason."""
    reader: Who
    withheld: Bilingual | None
    """Why nothing is shown: the person opted out."""
    tables: tuple[RecordTable, ...]
    """Empty where no row of the person is behind it, as for what the rest of a team has together."""


def rows_behind_kept(
    home: Path,
    employee_id: str,
    evidence: str,
    *,
    model: str,
    reading: RecordReading,
    as_of: dt.date | None = None,
) -> RowsBehind:
    """The rows behind the reason ``evidence`` of a person's score at ``as_of`` (default: the newest), as they stand now.

    Raises :class:`PerfmlError` where no horizon lists the reason, where nothing
    is kept of that date, and for a column of which the kept rows do not say enough.
    """
    path = score_file(home, model, as_of)
    scores = cast(list[StoredScore], rows_of(path, employee_id))  # reading with a filter would import pandas
    if not scores:
        raise NoScore("has no score", where=f"{employee_id!r} in {path}", remedy="they were not employed at that date")
    column, day = first_column(scores, evidence), scores[0]["as_of"]
    record = standing_record(home, employee_id, day)
    traces = record.contents.traces
    trace = traces.get(column) or traces.get(compared_column(column))
    if trace is None or record.as_of != day:
        raise PerfmlError(
            "the rows behind it are not stored",
            where=f"{column} at {day}",
            remedy=f"run `perfml score {model} --as-of {day}` again",
        )
    rows = tuple(traced(record, trace, column=column))
    return RowsBehind(
        employee_id=employee_id,
        as_of=day,
        model=model,
        evidence=evidence,
        column=column,
        reader=reading.reader,
        withheld=record.withheld,
        tables=record_tables(record, rows, reading),
    )


def traced(record: StandingRecord, trace: ColumnTrace, *, column: str) -> Iterator[KeptRow]:
    """The rows of ``record`` that a column with this trace counts. Raises :class:`PerfmlError` for a column that counts events by
    a condition, which only the data tell."""
    if trace.by_condition:
        raise PerfmlError(
            "counts events by a condition",
            where=column,
            remedy="read its rows from the data with `perfml explain --behind`",
        )
    newest = {row.table: row for row in reversed(record.rows)} if "people" in trace.tables else {}
    counted = {id(row) for events in trace.events for row in _counted(events, record)}
    for row in record.rows:
        position = row.table in POSITION and newest.get(row.table) is row
        if id(row) in counted or row.table in trace.tables or position:
            yield row


def _counted(trace: EventTrace, record: StandingRecord) -> Sequence[KeptRow]:
    """The rows of the log that are counted, like :func:`perfml.evidence.behind.rows_behind` finds them in the data."""
    rows = [row for row in record.rows if row.table == LOG and _counts(trace, row, record)]
    if trace.last:
        rows.sort(key=lambda row: (row.values["happened_at"], float(row.values["value"])), reverse=True)
        return rows[: trace.last]
    if trace.last_days:
        latest = sorted({row.day for row in rows}, reverse=True)[: trace.last_days]
        return [row for row in rows if row.day in latest]
    return rows


def _counts(trace: EventTrace, row: KeptRow, record: StandingRecord) -> bool:
    kinds = trace.own if is_own(row, record.contents.tables[LOG], record.employee_id) else trace.received
    in_window = not trace.days or row.day >= record.as_of - dt.timedelta(days=trace.days)
    named = (not trace.met or "counterpart_id" in row.values) and (not trace.valued or "value" in row.values)
    return kinds is not None and in_window and named and kinds.has(row.values["kind"])
