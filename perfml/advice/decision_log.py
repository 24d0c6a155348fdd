"""The decision log: what people decide about suggestions, and which help was offered to employees.

Rows are only added. The newest decision about a suggestion counts, and so does the newest entry about an intervention (one
employee, kind and day); older entries stay. Both are stored in an SQLite file under ``home``; nothing is applied from here.

Every entry carries an idempotency key of the caller: the same entry under the same key is stored once, however often it is
sent; a different entry under that key is refused.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import sqlalchemy as sql
from sqlalchemy.dialects.sqlite import insert

from perfml.errors import PerfmlError
from perfml.files import reading
from perfml.messages import Message, render
from perfml.sentences import is_sentence

if TYPE_CHECKING:
    import pandas as pd

FILE = "memory.sqlite"
DecisionVerdict = Literal["accept", "refuse"]
InterventionStatus = Literal["offered", "refused", "done"]
VERDICTS: tuple[DecisionVerdict, ...] = ("accept", "refuse")
STATUSES: tuple[InterventionStatus, ...] = ("offered", "refused", "done")
E = TypeVar("E")
_TABLES = sql.MetaData()


def _entry_table(name: str, subject: str) -> sql.Table:
    """A table of entries about ``subject``: the entry as JSON without the time at which it was stored."""
    return sql.Table(
        name,
        _TABLES,
        sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("key", sql.Text, nullable=False, unique=True),
        sql.Column("said", sql.Text, nullable=False, key="entry"),  # the name of the column in files already written
        sql.Column("entered_at", sql.Text, nullable=False),
        sql.Column(subject, sql.Text, nullable=False),
    )


_DECISIONS = _entry_table("decisions", "suggestion_id")
_INTERVENTIONS = _entry_table("interventions", "employee_id")


class EntryError(PerfmlError):
    """An entry that contradicts itself or lacks something.

    ``messages``: problem and remedy; ``field``: the field to correct.
    """

    def __init__(self, problem: Message, *, field: str, of: str, remedy: Message) -> None:
        self.messages, self.field = (problem, remedy), field
        super().__init__(render(problem, "en"), where=f"{field} of {of}", remedy=render(remedy, "en"))


class KeyTaken(PerfmlError):
    """Another entry is stored under the same idempotency key."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person decides about a suggestion. A refusal needs a reason."""

    suggestion_id: str
    verdict: DecisionVerdict
    decided_by: str
    reason: str = ""
    entered_at: str = ""
    """When it was stored, UTC, ISO 8601; set by :meth:`DecisionLog.decide`."""


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """Help that was offered, refused or done; or, with ``hold_out``, withheld at random."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: InterventionStatus | None = None
    """None for an employee held out."""
    done_on: dt.date | None = None
    outcome: str = ""
    random: bool = False
    """Whether chance decided between offering and holding out."""
    hold_out: bool = False
    entered_by: str = ""
    entered_at: str = ""


class DecisionLog:
    """The log under ``home``; the file is created when an entry is first stored."""

    def __init__(self, home: Path) -> None:
        self._path = (home / FILE).absolute()

    def decide(self, decision: Decision, *, key: str) -> Decision:
        """Store a decision, and return it as stored.

        Raises :class:`EntryError` for a refusal without a reason or a decision without a name, :class:`KeyTaken` where
        ``key`` belongs to another entry.
        """
        subject = f"the decision about {decision.suggestion_id}"
        _required(decision.decided_by, "decided_by", of=subject, remedy="entry_say_who")
        if decision.verdict not in VERDICTS:
            problem = Message.of("entry_no_verdict", verdict=decision.verdict)
            raise EntryError(problem, field="verdict", of=subject, remedy=_one_of(VERDICTS))
        if decision.verdict == "refuse":
            _required(decision.reason, "reason", of=subject, remedy="entry_say_why")
            if not is_sentence(decision.reason):
                problem = Message.of("entry_reason_too_short", reason=decision.reason)
                raise EntryError(problem, field="reason", of=subject, remedy=Message.of("entry_give_a_sentence"))
        (stored,) = self._add(_DECISIONS, {key: asdict(decision)})
        return Decision(**stored)

    def decisions(self, suggestion_ids: Iterable[str] | None = None) -> dict[str, list[Decision]]:
        """The decisions about each suggestion (of ``suggestion_ids``; default: all), oldest first."""
        out: dict[str, list[Decision]] = {}
        wanted = None if suggestion_ids is None else set(suggestion_ids)
        for decision in self._read(_DECISIONS, lambda entry: Decision(**entry)):
            if wanted is None or decision.suggestion_id in wanted:
                out.setdefault(decision.suggestion_id, []).append(decision)
        return out

    def refused(self) -> frozenset[str]:
        """The suggestions whose newest decision is a refusal."""
        return frozenset(name for name, decided in self.decisions().items() if decided[-1].verdict == "refuse")

    def log(self, interventions: Sequence[Intervention], *, key: str) -> list[Intervention]:
        """Store interventions together, all or none, each under ``key`` and its position; return them as stored.

        Raises :class:`EntryError` where one contradicts itself, :class:`KeyTaken` as :meth:`decide` does.
        """
        for intervention in interventions:
            _check(intervention)
        alone = len(interventions) == 1
        entries = {key if alone else f"{key}/{n}": _plain(each) for n, each in enumerate(interventions)}
        return [_intervention(stored) for stored in self._add(_INTERVENTIONS, entries)]

    def interventions(self) -> list[Intervention]:
        """The newest entry of each employee, kind and day, in the order in which they were first stored."""
        entries = self._read(_INTERVENTIONS, _intervention)
        return list({(entry.employee_id, entry.kind, entry.offered_on): entry for entry in entries}.values())

    def _add(self, table: sql.Table, entries: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Store each entry under its key, all or none."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.is_file():  # new, or deleted since its tables were created
            _engine.cache_clear()
        with _whole(self._path), _engine(self._path).begin() as connection:
            return [_stored(connection, table, key, entry=entry) for key, entry in entries.items()]

    def _read(self, table: sql.Table, entry_of: Callable[[dict[str, Any]], E]) -> list[E]:
        """All entries, oldest first. Raises :class:`PerfmlError` for a damaged file."""
        if not self._path.exists():
            return []
        with _whole(self._path), _engine(self._path).connect() as connection:
            rows = connection.execute(sql.select(table.c.entry, table.c.entered_at).order_by(table.c.number)).all()
            return [entry_of(json.loads(entry) | {"entered_at": at}) for entry, at in rows]


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """A store that cannot be read or written becomes one :class:`PerfmlError`."""
    remedy = "try again if another program is writing to it, else restore it from a backup"
    try:
        with reading(path, remedy=remedy):
            yield
    except sql.exc.SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise PerfmlError(f"cannot be read ({reason})", where=str(path), remedy=remedy) from error


@lru_cache(maxsize=16)
def _engine(path: Path) -> sql.Engine:
    """The engine of one file, its tables created. It pools no connection, so that threads and forks may share it."""
    engine = sql.create_engine(f"sqlite:///{path}", poolclass=sql.NullPool)
    with engine.begin() as connection:
        for table in _TABLES.sorted_tables:
            connection.execute(sql.schema.CreateTable(table, if_not_exists=True))
    return engine


def _stored(connection: sql.Connection, table: sql.Table, key: str, *, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Insert ``entry`` under ``key`` unless it is stored already, and return it as stored."""
    _required(key, "idempotency key", of="the entry", remedy="entry_send_key")
    text = json.dumps({k: v for k, v in entry.items() if k != "entered_at"}, ensure_ascii=False, sort_keys=True)
    subjects = {column.key: entry[column.key] for column in table.c if column.key in entry}
    row = {"key": key, "entry": text, **subjects, "entered_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
    connection.execute(insert(table).values(row).on_conflict_do_nothing(index_elements=[table.c.key]))
    stored, at = connection.execute(sql.select(table.c.entry, table.c.entered_at).where(table.c.key == key)).one()
    if stored != text:
        raise KeyTaken(
            "stands for another entry", where=f"idempotency key {key!r}", remedy="send another entry under another key"
        )
    return {**json.loads(stored), "entered_at": at}


def _check(intervention: Intervention) -> None:
    subject, status = f"the intervention of {intervention.employee_id!r}", intervention.status

    def error(problem: Message, field: str, remedy: Message) -> EntryError:
        return EntryError(problem, field=field, of=subject, remedy=remedy)

    _required(intervention.employee_id, "employee_id", of=subject, remedy="entry_name_employee")
    _required(intervention.kind, "kind", of=subject, remedy="entry_say_kind")
    if status not in (None, *STATUSES):
        raise error(Message.of("entry_no_status", status=str(status)), "status", _one_of(STATUSES))
    if intervention.hold_out == (status is not None):
        raise error(Message.of("entry_offered_or_held_out"), "status", Message.of("entry_status_or_hold_out"))
    if (status == "done") != (intervention.done_on is not None):
        raise error(Message.of("entry_done_without_day"), "done_on", Message.of("entry_both_or_neither"))
    if intervention.done_on is not None and intervention.done_on < intervention.offered_on:
        raise error(Message.of("entry_done_before_offer"), "done_on", Message.of("entry_correct_a_date"))


def _required(text: str, field: str, *, of: str, remedy: str) -> None:
    """Refuse an empty ``text``; ``remedy``: code of the message that says what to do."""
    if not text.strip():
        raise EntryError(Message.of("entry_empty"), field=field, of=of, remedy=Message.of(remedy))


def _one_of(names: Sequence[str]) -> Message:
    return Message.of("entry_use_one_of", names=", ".join(names))


def _plain(intervention: Intervention) -> dict[str, Any]:
    """As JSON takes it: dates as text."""
    entry = asdict(intervention)
    return entry | {name: entry[name] and entry[name].isoformat() for name in ("offered_on", "done_on")}


def _intervention(entry: Mapping[str, Any]) -> Intervention:
    dates = {name: entry[name] and dt.date.fromisoformat(entry[name]) for name in ("offered_on", "done_on")}
    return Intervention(**{**entry, **dates})


def logged(home: Path) -> pd.DataFrame | None:
    """The interventions in perfml's own log, one row each, for training; None where none are logged."""
    import pandas as pd  # only training needs it; the service, which reads the log too, does without

    interventions = DecisionLog(home).interventions()
    return pd.DataFrame([vars(each) for each in interventions]) if interventions else None
