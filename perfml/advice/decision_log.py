"""The decision log: what people decide about suggestions, and which help was offered to employees.

Entries are only added. The newest decision about a suggestion counts, and so does the newest entry about an intervention (one
employee, kind and day); older entries stay. Both are in the store of ``home``; nothing is applied from here.

Every entry carries an idempotency key of the caller: the same entry under the same key is stored once, however often it is
sent; a different entry under that key is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.messages import Message, render
from perfml.sentences import is_sentence
from perfml.store.record_store import NewEntry, RecordStore, StoredEntry
from perfml.store.tables import DECISIONS, INTERVENTIONS

if TYPE_CHECKING:
    import pandas as pd

DecisionVerdict = Literal["accept", "refuse"]
InterventionStatus = Literal["offered", "refused", "done"]
VERDICTS: tuple[DecisionVerdict, ...] = ("accept", "refuse")
STATUSES: tuple[InterventionStatus, ...] = ("offered", "refused", "done")


class EntryError(PerfmlError):
    """An entry that contradicts itself or lacks something.

    ``messages``: problem and remedy; ``field``: the field to correct.
    """

    def __init__(self, problem: Message, *, field: str, of: str, remedy: Message) -> None:
        self.messages, self.field = (problem, remedy), field
        super().__init__(render(problem, "en"), where=f"{field} of {of}", remedy=render(remedy, "en"))


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
    """The log in the store of ``home``."""

    def __init__(self, home: Path) -> None:
        self._store = RecordStore(home)

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
        (stored,) = self._add(DECISIONS, "suggestion_id", {key: asdict(decision)})
        return _decision(stored)

    def decisions(self, suggestion_ids: Iterable[str] | None = None) -> dict[str, list[Decision]]:
        """The decisions about each suggestion (of ``suggestion_ids``; default: all), oldest first."""
        out: dict[str, list[Decision]] = {}
        wanted = None if suggestion_ids is None else set(suggestion_ids)
        for stored in self._store.read(DECISIONS, subjects=wanted):
            out.setdefault(stored.subject, []).append(_decision(stored))
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
        return [_intervention(stored) for stored in self._add(INTERVENTIONS, "employee_id", entries)]

    def interventions(self) -> list[Intervention]:
        """The newest entry of each employee, kind and day, in the order in which they were first stored."""
        entries = map(_intervention, self._store.read(INTERVENTIONS))
        return list({(entry.employee_id, entry.kind, entry.offered_on): entry for entry in entries}.values())

    def _add(self, table: sql.Table, subject: str, entries: Mapping[str, dict[str, Any]]) -> list[StoredEntry]:
        """Store each entry, which names its ``subject``, under its key, all or none."""
        for key in entries:
            _required(key, "idempotency key", of="the entry", remedy="entry_send_key")
        return self._store.add(
            table,
            [
                NewEntry(key=key, subject=entry[subject], entry={k: v for k, v in entry.items() if k != "entered_at"})
                for key, entry in entries.items()
            ],
        )


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


def _decision(stored: StoredEntry) -> Decision:
    entry: dict[str, Any] = dict(stored.entry)
    return Decision(**entry, entered_at=stored.entered_at)


def _intervention(stored: StoredEntry) -> Intervention:
    entry: dict[str, Any] = dict(stored.entry)
    dates = {name: entry[name] and dt.date.fromisoformat(entry[name]) for name in ("offered_on", "done_on")}
    return Intervention(**{**entry, **dates}, entered_at=stored.entered_at)


def logged(home: Path) -> pd.DataFrame | None:
    """The interventions in perfml's own log, one row each, for training; None where none are logged."""
    import pandas as pd  # only training needs it; the service, which reads the log too, does without

    interventions = DecisionLog(home).interventions()
    return pd.DataFrame([vars(each) for each in interventions]) if interventions else None
