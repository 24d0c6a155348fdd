"""What the log holds about one person: who saw them, what was recorded about them, when, by whom and for what purpose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.sentences import is_sentence
from perfml.store.audit.chain import ERASE_PERSON, AuditRow, append, rows
from perfml.store.audit.person_keys import keys, opened
from perfml.store.audit.secret import AuditError
from perfml.store.opening import is_made, session
from perfml.store.record_store import RecordStore
from perfml.store.tables import AUDIT, PERSON_KEYS


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """A row of the log, opened."""

    number: int
    at: str
    """UTC, ISO 8601."""
    actor: str
    action: str
    purpose: str
    people: int
    """How many people it concerns."""

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)


def history_of(home: Path, employee_id: str) -> tuple[AuditEvent, ...]:
    """Rows about one person, oldest first; none for a person who was erased. Raises :class:`AuditError` for an altered one."""
    if not is_made(home):
        return ()
    with session(home, writing=False) as connection:
        pseudonym = _pseudonym(connection, employee_id)
        known = keys(connection)
        mentioning = [row for row in rows(connection) if pseudonym is not None and pseudonym in row.pseudonyms]
    return tuple(_event(row, known) for row in mentioning)


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """A row of the log as an auditor reads it: the event, and the employee ids whom it concerns as far as they are not erased."""

    event: AuditEvent
    employee_ids: tuple[str, ...]


def newest_entries(home: Path, *, limit: int, before: int | None = None) -> tuple[LogEntry, ...]:
    """The newest ``limit`` rows, of those under number ``before``. Raises :class:`AuditError` for an altered one."""
    if not is_made(home):
        return ()
    query = sql.select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit)
    with session(home, writing=False) as connection:
        chosen = connection.execute(query if before is None else query.where(AUDIT.c.number < before)).mappings()
        log = [AuditRow(**row) for row in chosen]
        named = connection.execute(sql.select(PERSON_KEYS.c.pseudonym, PERSON_KEYS.c.person))
        people = {row.pseudonym: row.person for row in named}
        known = keys(connection)
    return tuple(
        LogEntry(
            event=_event(row, known), employee_ids=tuple(people[name] for name in row.pseudonyms if name in people)
        )
        for row in log
    )


def erase_person(home: Path, employee_id: str, *, by: str, reason: str) -> None:
    """Delete the key of a person: what the log says of them can be read no more, and every hash still verifies.

    Raises :class:`PerfmlError` for a person without rows, without a name in ``by`` or a sentence as ``reason``.
    """
    where = f"erasing {employee_id!r}"
    if not by.strip():
        raise PerfmlError("nobody answers for it", where=where, remedy="name a person with --by")
    if not is_sentence(reason):
        raise PerfmlError("has no reason", where=where, remedy="give it in a sentence with --reason, without names")
    if not is_made(home) or not _forget(home, [employee_id], by=by.strip(), reason=reason.strip()):
        raise PerfmlError("the audit log holds nothing about this person", where=where, remedy="check the id")


def erase_older(home: Path, before: dt.date, *, apply: bool) -> int:
    """How many people the log has not mentioned since ``before``; with ``apply`` their keys are deleted."""
    if not is_made(home):
        return 0
    with session(home, writing=False) as connection:
        newest = {name: row.at for row in rows(connection) for name in row.pseudonyms}
        people = connection.execute(sql.select(PERSON_KEYS.c.person, PERSON_KEYS.c.pseudonym)).all()
    old = [row.person for row in people if newest.get(row.pseudonym, "") < str(before)]
    if apply and old:
        _forget(home, old, by="retention", reason=f"not mentioned since {before}")
    return len(old)


def _event(row: AuditRow, known: Mapping[str, bytes]) -> AuditEvent:
    try:
        content = opened(row.payload, row.pseudonyms, known, action=row.action) or {}
    except ValueError as error:
        raise AuditError(str(error), where=f"row {row.number}", remedy="`perfml audit verify` says more") from error
    return AuditEvent(
        number=row.number,
        at=row.at,
        actor=str(content.get("actor", "")),
        action=row.action,
        purpose=str(content.get("purpose", "")),
        people=len(row.pseudonyms),
    )


def _forget(home: Path, people: list[str], *, by: str, reason: str) -> int:
    """Delete the keys of ``people``; return of how many there were some."""
    with RecordStore(home).transaction() as connection:
        present = [person for person in people if _pseudonym(connection, person) is not None]
        for low in range(0, len(present), 500):
            part = present[low : low + 500]
            append(connection, ERASE_PERSON, {"by": by, "reason": reason}, people=part)
            connection.execute(PERSON_KEYS.delete().where(PERSON_KEYS.c.person.in_(part)))
    return len(present)


def _pseudonym(connection: sql.Connection, employee_id: str) -> str | None:
    pseudonym: str | None = connection.execute(
        sql.select(PERSON_KEYS.c.pseudonym).where(PERSON_KEYS.c.person == employee_id)
    ).scalar()
    return pseudonym
