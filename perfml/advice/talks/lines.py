"""A line of a preparation: a sentence in both languages, with the rows that it comes from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from perfml.messages import Bilingual, Message, both
from perfml.messages.message import Value
from perfml.scoring.personal.behind import traced
from perfml.scoring.personal.files import MOST, KeptRow
from perfml.scoring.personal.record import PersonalPart
from perfml.scoring.personal.standing import StandingRecord, is_own, row_key


class SourceRow(PersonalPart):
    """A row that a line comes from."""

    table: str
    title: Bilingual
    """Of the table."""
    key: str | None
    """What a dispute names it by; null for what somebody else did."""
    day: dt.date


class TalkLine(PersonalPart):
    """One fact."""

    text: Bilingual
    sources: tuple[SourceRow, ...]


@dataclass(frozen=True, kw_only=True)
class TalkFacts:
    """The rows of a person that a conversation is prepared with, without those that only HR is shown."""

    record: StandingRecord

    def rows(self, table: str) -> list[KeptRow]:
        """The rows of a table, newest first."""
        return [row for row in self.record.rows if row.table == table]

    def counted(self, column: str) -> list[KeptRow] | None:
        """The rows that a column of evidence is computed from, newest first; None where this record has no such column."""
        trace = self.record.contents.traces.get(column)
        if trace is None or trace.by_condition:
            return None
        return sorted(traced(self.record, trace, column=column), key=lambda row: row.day, reverse=True)

    def source(self, row: KeptRow) -> SourceRow:
        """How a row is quoted."""
        table, person = self.record.contents.tables[row.table], self.record.employee_id
        key = row_key(row, table, person) if is_own(row, table, person) else None
        return SourceRow(table=row.table, title=table.title, key=key, day=row.day)

    def line(self, code: str, rows: Sequence[KeptRow], /, **values: Value) -> TalkLine:
        """A sentence that stands on ``rows``; on none where it says that none are on record."""
        return TalkLine(
            text=Bilingual(**both(Message.of(code, **values))), sources=tuple(self.source(row) for row in rows)
        )

    def course(self, row: KeptRow) -> str:
        """The title of the course of an enrolment; its id where the catalogue has none."""
        course = row.values["course_id"]
        return self.record.contents.courses.get(course, course)


def times(rows: Sequence[KeptRow]) -> str:
    """How many rows of the log, as far as they are kept: of many of a kind only the newest are."""
    return str(len(rows)) if len(rows) < MOST else f"{MOST}+"


def plain(number: Decimal) -> str:
    """An exact number without zeros at its end."""
    return f"{number.normalize():f}"


def within(rows: Sequence[KeptRow], as_of: dt.date, *, days: int) -> Iterator[KeptRow]:
    """Those of the last ``days``."""
    return (row for row in rows if row.day >= as_of - dt.timedelta(days=days))
