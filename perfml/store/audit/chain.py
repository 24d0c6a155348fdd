"""The chain: every row carries the HMAC-SHA256 of itself and of the hash before it, so none can be altered, moved or left out.

Rows are appended within the transaction of the act that they record: both are stored, or neither. Writers hold the lock of the
store, so numbers have no gap and the order is that of commits, whatever the clock says.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sql

from perfml.json_types import JsonObject
from perfml.store.audit.acting import Actor, acting
from perfml.store.audit.heads import Head
from perfml.store.audit.person_keys import KnownPseudonyms, pseudonyms, sealed
from perfml.store.audit.secret import AuditError, audit_key, key_address
from perfml.store.commits import commits_of_others
from perfml.store.tables import AUDIT, ENTRIES, OF_PEOPLE, insertion

START = "0" * 64
"""What the first row carries as the hash before it."""
BEGIN, ADD, ERASE_ENTRIES, SEE, ERASE_PERSON, CHECKPOINT = "begin", "add", "erase entries", "see", "erase", "checkpoint"
_PAYLOAD = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
_CONTENT = json.JSONEncoder(separators=(",", ":"), default=str)
HOME, HEADS = "perfml_home", "perfml_heads"


class AuditRow(NamedTuple):
    """A row of the log as it is stored, in the order of its columns."""

    number: int
    at: str
    """UTC, ISO 8601."""
    action: str
    """What was done: a verb and what it was done to, never a person."""
    subjects: str
    """JSON list of pseudonyms: whom it concerns."""
    payload: str
    """JSON, or what the key of the first subject opens."""
    previous: str
    hash: str

    @property
    def pseudonyms(self) -> list[str]:
        """Whom it concerns; nobody where the row was altered into something else."""
        try:
            names = json.loads(self.subjects)
        except ValueError:
            return []
        return [str(name) for name in names] if isinstance(names, list) else []

    def content(self) -> bytes:
        """The canonical bytes under the hash."""
        return _content(
            self.number,
            self.at,
            self.action,
            subjects=self.subjects,
            payload=self.payload,
            previous=self.previous,
        )


def chained(key: bytes, content: bytes) -> str:
    """The hash of a row with this content."""
    code = _code(key).copy()
    code.update(content)
    return code.hexdigest()


@lru_cache(maxsize=4)
def _code(key: bytes) -> hmac.HMAC:
    """The code of nothing, which is copied for each row: to begin with the key costs as much as the row."""
    return hmac.new(key, digestmod="sha256")


def append(
    connection: sql.Connection, action: str, payload: JsonObject, *, people: Sequence[str] = (), seal: bool = False
) -> AuditRow:
    """Append a row within a writing transaction; ``seal``: only the key of the one person of ``people`` opens ``payload``.

    Actor and purpose are added. Raises :class:`AuditError` where the newest row was not written with the key of this home.
    """
    key, last = _tail(connection, _last(connection), begun=action == BEGIN)
    names = pseudonyms(connection, people) if people else {}
    whole = _by(payload, acting())
    text = sealed(connection, names[people[0]], whole, action=action) if seal else _json(whole)
    subjects = [names[people[0]]] if seal else sorted(set(names.values()))
    row = _next(key, last, action, payload=text, subjects=subjects, at=_now())
    _write(connection, [row])
    return row


class Reading(NamedTuple):
    """One reading: what was shown about whom, to whom, for what purpose and when."""

    what: str
    people: tuple[str, ...]
    actor: Actor
    at: float
    """Seconds since 1970."""
    late: bool = False
    """Whether it is recorded long after it was shown, as the store had no room."""


def seen(what: str, people: Iterable[str]) -> Reading:
    """What is shown now, to whoever acts."""
    return Reading(what=what, people=tuple(sorted(set(people))), actor=acting(), at=time.time())


class StandingLog:
    """What a connection that stays open knows of the log, as long as nobody else commits: so it is not read again.

    After a transaction that failed the connection is closed (:class:`~perfml.store.standing.StandingStore`), and all is
    forgotten.
    """

    def __init__(self) -> None:
        self.names = KnownPseudonyms()
        self._newest: AuditRow | None = None
        self._committed: object = None

    def newest(self, connection: sql.Connection) -> AuditRow | None:
        """The newest row; None in an empty log."""
        committed = commits_of_others(connection)
        if committed is None or committed != self._committed or self._newest is None:
            self._newest, self._committed = _last(connection), committed
        return self._newest

    def appended(self, row: AuditRow) -> None:
        """Take note of the newest row."""
        self._newest = row


def append_seen(connection: sql.Connection, readings: Sequence[Reading], *, known: StandingLog | None = None) -> None:
    """Append a row for each reading, in their order, within a writing transaction; ``known``: what the connection knows.

    Raises :class:`AuditError`.
    """
    known = known or StandingLog()
    key, last = _tail(connection, known.newest(connection))
    names = known.names.of(connection, set[str]().union(*(each.people for each in readings)))
    now, rows = _now(), []
    for each in readings:
        text = (
            _json(_by({"late": _iso(each.at)}, each.actor))
            if each.late
            else _of_actor(each.actor.name, each.actor.purpose)
        )
        subjects, action = sorted(names[person] for person in each.people), f"{SEE} {each.what}"
        last = _next(key, last, action, payload=text, subjects=subjects, at=now)
        rows.append(last)
    _write(connection, rows)
    known.appended(rows[-1])


def append_added(connection: sql.Connection, table: sql.Table, stored: sql.RowMapping) -> None:
    """Append that an entry was added to ``table``: its digest, under the key of the person whom it concerns."""
    person = person_of(table, str(stored["subject"]), json.loads(stored["entry"]))
    payload: JsonObject = {"digest": digest(stored)}
    append(
        connection,
        f"{ADD} {table.name}/{stored['number']}",
        payload,
        people=[] if person is None else [person],
        seal=person is not None,
    )


def append_erased(connection: sql.Connection, table: sql.Table, numbers: Iterable[int]) -> None:
    """Append that entries of ``table`` were erased."""
    erased: JsonObject = {"table": table.name, "numbers": sorted(numbers)}
    append(connection, ERASE_ENTRIES, erased)


def digest(stored: sql.RowMapping) -> str:
    """SHA-256 of an entry as it is stored."""
    fields = [stored[name] for name in ("number", "key", "subject", "entry", "entered_at")]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


def person_of(table: sql.Table, subject: str, entry: object) -> str | None:
    """The person whom an entry concerns; None for one about something else."""
    if table in OF_PEOPLE:
        return subject
    if subject.startswith("employee:"):
        return subject.removeprefix("employee:")
    employee = entry.get("employee_id") if isinstance(entry, dict) else None
    return employee if isinstance(employee, str) and employee else None


def rows(connection: sql.Connection) -> list[AuditRow]:
    """The log, oldest first."""
    return [AuditRow(**row) for row in connection.execute(sql.select(AUDIT).order_by(AUDIT.c.number)).mappings()]


def _tail(connection: sql.Connection, last: AuditRow | None, *, begun: bool = False) -> tuple[bytes, AuditRow | None]:
    """The key and the newest row, which is made unless the log is being ``begun``. Raises :class:`AuditError` for a row that
    was not written with the key."""
    key = audit_key(_home(connection), make=last is None)
    if last is None and not begun:
        last = append(connection, BEGIN, {"entries": {table.name: _newest(connection, table) for table in ENTRIES}})
    if last is not None and not hmac.compare_digest(last.hash, chained(key, last.content())):
        raise AuditError(
            f"row {last.number} was not written with the key in {key_address(_home(connection))}, so nothing is added",
            where="table audit of the store",
            remedy="restore the key, or the store; `perfml audit verify` lists what is wrong",
        )
    return key, last


def _next(
    key: bytes, last: AuditRow | None, action: str, *, payload: str, subjects: Sequence[str], at: str
) -> AuditRow:
    """The row after ``last``."""
    number, previous = (1, START) if last is None else (last.number + 1, last.hash)
    names = f"[{', '.join(map(encode_basestring_ascii, subjects))}]"
    content = _content(number, at, action, subjects=names, payload=payload, previous=previous)
    return AuditRow(number, at, action, names, payload, previous, chained(key, content))


def _write(connection: sql.Connection, rows: Sequence[AuditRow]) -> None:
    connection.exec_driver_sql(insertion(AUDIT, connection.dialect.name), rows)
    connection.info.setdefault(HEADS, []).append(Head(number=rows[-1].number, hash=rows[-1].hash))


def _by(payload: JsonObject, actor: Actor) -> JsonObject:
    return {**payload, "actor": actor.name, "purpose": actor.purpose}


def _json(payload: JsonObject) -> str:
    return _PAYLOAD.encode(payload)


@lru_cache(maxsize=1_000)
def _of_actor(name: str, purpose: str) -> str:
    """What a row says that only tells who acted."""
    return _json({"actor": name, "purpose": purpose})


def _now() -> str:
    return _iso(time.time())


def _iso(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds")


def _newest(connection: sql.Connection, table: sql.Table) -> int:
    """Number of the newest entry; 0 in an empty table."""
    return connection.execute(sql.select(sql.func.max(table.c.number))).scalar() or 0


def _last(connection: sql.Connection) -> AuditRow | None:
    row = connection.execute(sql.select(AUDIT).order_by(AUDIT.c.number.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else AuditRow(**row)


def _content(number: int, at: str, action: str, *, subjects: str, payload: str, previous: str) -> bytes:
    texts = [at, action, subjects, payload, previous]
    if type(number) is int and set(map(type, texts)) == {str}:
        return f"[{number},{','.join(map(encode_basestring_ascii, texts))}]".encode()  # a third of the cost
    return _CONTENT.encode([number, *texts]).encode()  # of a row that was altered into something else


def _home(connection: sql.Connection) -> Path:
    home: Path = connection.get_execution_options()[HOME]
    return home
