"""What of a person's kept rows may be read now.

Facts in dispute are left out, and corrected where a dispute was upheld. Whom the rows are about, and their manager, see no other
person in them, such as who gave feedback: the counterpart of an event, or whoever did an event whose counterpart the person is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from perfml.evidence.withheld.fact import WithheldFact
from perfml.messages import Bilingual, both
from perfml.project.voices import Who
from perfml.scoring.personal.files import LOG, KeptRow, KeptTable, RecordContents, read_person
from perfml.trust.holds.facts import facts_of
from perfml.trust.holds.hold_log import HoldLog, HoldState


@dataclass(frozen=True, kw_only=True)
class RecordReading:
    """Who reads, and whether they may see other people in the rows, such as who gave feedback."""

    reader: Who
    others: bool = False

    @classmethod
    def of(cls, reader: Who) -> RecordReading:
        """Of whoever sits at this machine: HR with other people, everybody else without."""
        return cls(reader=reader, others=reader == "hr")


@dataclass(frozen=True, kw_only=True)
class StandingRecord:
    """The rows of one person that may be read now."""

    employee_id: str
    as_of: dt.date
    contents: RecordContents
    rows: tuple[KeptRow, ...]
    """As they stand, with other people in them."""
    withheld: Bilingual | None = None
    """Why none is shown."""


def standing_record(home: Path, employee_id: str, as_of: dt.date | None = None) -> StandingRecord:
    """The kept rows of a person as they stand now; none of somebody who opted out.

    Raises :class:`~perfml.scoring.score_files.NoScore` where nothing is kept of that date,
    :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """
    record, state = read_person(home, employee_id, as_of), HoldLog(home).state()
    out = _opted_out(state, employee_id)
    rows = () if out else tuple(_as_they_stand(record.rows, record.contents, state, employee_id=employee_id))
    return StandingRecord(
        employee_id=employee_id, as_of=record.as_of, contents=record.contents, rows=rows, withheld=out
    )


def row_key(row: KeptRow, table: KeptTable, employee_id: str) -> str:
    """The key of a row as disputes name it, see :func:`perfml.evidence.withheld.rows.key_sql`."""
    key = " ".join(row.values[column] for column in table.key if column in row.values)
    if row.table == LOG and not key:
        return " ".join((row.values["employee_id"], row.values["happened_at"], row.values["kind"]))
    return key


def is_own(row: KeptRow, table: KeptTable, employee_id: str) -> bool:
    """Whether a row is the person's own, and not an act of somebody else towards them."""
    return table.owner is None or row.values.get(table.owner) == employee_id


def visible_values(row: KeptRow, table: KeptTable, employee_id: str, *, reading: RecordReading) -> Mapping[str, str]:
    """The values of a row that a reader may see, without the person themself as whose it is.

    What somebody else did is shown by its day: to the second, it could be looked up among the rows of whoever did it.
    """
    values = {name: value for name, value in row.values.items() if name != table.owner or value != employee_id}
    if reading.others:
        return values
    others = {column.name for column in table.columns if column.others}
    values = {name: value for name, value in values.items() if name not in others or value == employee_id}
    if is_own(row, table, employee_id):
        return values
    hidden = {table.owner, *table.key}
    return {
        name: _day(value) if name == table.happened else value for name, value in values.items() if name not in hidden
    }


def _day(moment: str) -> str:
    return moment[: len("2026-01-01")]


def _opted_out(state: HoldState, employee_id: str) -> Bilingual | None:
    entity = f"employee:{employee_id}"
    holds = (hold for hold in state.active if hold.cause == "opt_out" and hold.entity == entity)
    return next((Bilingual(**both(hold.message)) for hold in holds), None)


def _as_they_stand(
    rows: Iterable[KeptRow], contents: RecordContents, state: HoldState, *, employee_id: str
) -> Iterator[KeptRow]:
    """``rows`` without those that a fact takes out, others corrected; also for facts entered after they were kept."""
    facts: dict[tuple[str, str], list[WithheldFact]] = {}
    for fact in facts_of(state).facts:
        facts.setdefault((fact.table, fact.key), []).append(fact)
    disputed = {table for table, _ in facts}
    for row in rows:
        if row.table not in disputed:
            yield row
            continue
        table = contents.tables[row.table]
        of_row = facts.get((row.table, row_key(row, table, employee_id)), ())
        whose = employee_id if table.owner is None else row.values.get(table.owner)
        concerning = [
            fact
            for fact in of_row
            if (table.owner is None or fact.employee_id == whose) and (fact.until is None or row.known < fact.until)
        ]
        if all(fact.right for fact in concerning):
            right = {column: value for fact in concerning for column, value in (fact.right or {}).items()}
            values = {**row.values, **right}
            yield replace(row, values={column: value for column, value in values.items() if value})
