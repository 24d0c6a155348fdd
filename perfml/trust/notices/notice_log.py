"""The log of notices: who was told what and when, who opted out, and outcomes whose package is due."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perfml.errors import PerfmlError, choose_from
from perfml.json_types import Json, JsonObject
from perfml.messages import Message
from perfml.project.trust.notice_spec import NoticesSpec
from perfml.sentences import is_sentence
from perfml.store.record_store import NewEntry, RecordStore, StoredEntry, add_entries, read_entries
from perfml.store.tables import NOTICES
from perfml.trust.holds.hold_log import release_within, set_within

GIVEN, OPTED_OUT, OPTED_IN, OUTCOME, PACKAGE = "given", "opted_out", "opted_in", "outcome", "package"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A notice that was given to one person."""

    employee_id: str
    version: str
    given_on: dt.date
    how: str
    """By which way, such as e-mail or a signed sheet."""
    by: str
    text_hash: str = ""
    """Of the text that was given; set by :meth:`NoticeLog.give`."""


@dataclass(frozen=True, kw_only=True)
class AdverseOutcome:
    """A decision of people to somebody's disadvantage in which perfml played a part; its package is due within a period."""

    employee_id: str
    on: dt.date
    what: str
    by: str
    package_on: dt.date | None = None
    """When the package was made; None while it is due."""

    def due_on(self, days: int) -> dt.date:
        """The last day for its package."""
        return self.on + dt.timedelta(days=days)


@dataclass(frozen=True, kw_only=True)
class NoticeState:
    """What the log adds up to for one person."""

    employee_id: str
    notices: tuple[Notice, ...] = ()
    """In the order in which they were given."""
    opted_out_on: dt.date | None = None
    """None for a person who did not opt out, or came back."""
    outcomes: tuple[AdverseOutcome, ...] = ()

    def told_before(self, day: dt.date) -> bool:
        """Whether a notice was given on or before ``day``."""
        return any(notice.given_on <= day for notice in self.notices)


def fold_notices(entries: Iterable[StoredEntry]) -> dict[str, NoticeState]:
    """Employee → state, of everyone in ``entries``."""
    states: dict[str, NoticeState] = {}
    for stored in entries:
        person, entry = stored.subject, {name: str(value) for name, value in stored.entry.items()}
        state, on = states.get(person, NoticeState(employee_id=person)), dt.date.fromisoformat(entry["on"])
        match entry["event"]:
            case "given":
                given = Notice(
                    employee_id=person,
                    version=entry["version"],
                    given_on=on,
                    how=entry["how"],
                    by=entry["by"],
                    text_hash=entry["text"],
                )
                state = replace(state, notices=tuple(sorted((*state.notices, given), key=lambda n: n.given_on)))
            case "opted_out":
                state = replace(state, opted_out_on=on)
            case "opted_in":
                state = replace(state, opted_out_on=None)
            case "outcome":
                outcome = AdverseOutcome(employee_id=person, on=on, what=entry["what"], by=entry["by"])
                state = replace(state, outcomes=(*state.outcomes, outcome))
            case "package":
                closed = [
                    replace(o, package_on=on) if o.package_on is None and o.on <= on else o for o in state.outcomes
                ]
                state = replace(state, outcomes=tuple(closed))
        states[person] = state
    return states


class NoticeLog:
    """The log in the store of ``home``. Entries are only added; the same entry is stored once."""

    def __init__(self, home: Path) -> None:
        self._store = RecordStore(home)

    def states(self) -> dict[str, NoticeState]:
        """Employee → state, of everyone of whom something is recorded."""
        return fold_notices(self._store.read(NOTICES))

    def opted_out(self) -> frozenset[str]:
        """Everyone who has opted out."""
        return frozenset(person for person, state in self.states().items() if state.opted_out_on is not None)

    def give(self, notices: Sequence[Notice], spec: NoticesSpec) -> int:
        """Store notices, all or none; return how many are stored or were before.

        Raises :class:`PerfmlError` for an unknown version, a notice before its version, or without a person, way or name.
        """
        for notice in notices:
            where = f"notice to {notice.employee_id!r}"
            if notice.version not in spec.versions:
                remedy = choose_from(spec.versions, instead_of=notice.version)
                raise PerfmlError(f"version {notice.version!r} is not defined", where=where, remedy=remedy)
            since = spec.versions[notice.version].since
            if notice.given_on < since:
                raise PerfmlError(
                    f"was given before version {notice.version} of {since}", where=where, remedy="correct it"
                )
            for name in ("employee_id", "how", "by"):
                _require(str(getattr(notice, name)), name, where=where)
        entries = [
            _entry(
                n.employee_id, GIVEN, n.given_on, version=n.version, how=n.how, by=n.by, text=text_hash(spec, n.version)
            )
            for n in notices
        ]
        return len(self._store.add(NOTICES, entries))

    def opt_out(self, employee_id: str, *, by: str, on: dt.date) -> NoticeState:
        """Store that a person wants no score; from then on there is none, for any date."""
        return self._turn(employee_id, OPTED_OUT, by=by, on=on)

    def opt_in(self, employee_id: str, *, by: str, on: dt.date) -> NoticeState:
        """Store that a person who had opted out wants to be scored again."""
        return self._turn(employee_id, OPTED_IN, by=by, on=on)

    def outcome(self, employee_id: str, *, what: str, by: str, on: dt.date) -> NoticeState:
        """Store an adverse outcome, so that its package is due. Raises :class:`PerfmlError` unless ``what`` is a sentence."""
        where = f"outcome of {employee_id!r}"
        _require(by, "by", where=where)
        if not is_sentence(what):
            raise PerfmlError("does not say what was decided", where=where, remedy="say it in a sentence")
        self._store.add(NOTICES, [_entry(employee_id, OUTCOME, on, what=what, by=by)])
        return self.states()[employee_id]

    def package_made(self, employee_id: str, *, on: dt.date, content: str) -> None:
        """Store that the package of a person was made, with the SHA-256 of its text."""
        digest = hashlib.sha256(content.encode()).hexdigest()
        self._store.add(NOTICES, [_entry(employee_id, PACKAGE, on, content=digest)])

    def _turn(self, employee_id: str, event: str, *, by: str, on: dt.date) -> NoticeState:
        """Add an entry that may come again after its opposite; asking twice for the same changes nothing.

        It is stored together with a hold on the person, so that what was computed before is not shown any more either.
        """
        where = f"{event} of {employee_id!r}"
        _require(employee_id, "employee", where=where)
        _require(by, "by", where=where)
        with self._store.transaction() as connection:
            entries = read_entries(connection, NOTICES, subjects=[employee_id])
            state = fold_notices(entries).get(employee_id, NoticeState(employee_id=employee_id))
            if (state.opted_out_on is not None) == (event == OPTED_OUT):
                return state
            turns = sum(each.entry["event"] in (OPTED_OUT, OPTED_IN) for each in entries)
            added = add_entries(connection, NOTICES, [_entry(employee_id, event, on, by=by, turn=turns)])
            entity, message = f"employee:{employee_id}", Message.of("hold_opt_out", day=str(on))
            hold = set_within(connection, entity, cause="opt_out", message=message, on=on, since=dt.date.min, by=by)
            if event == OPTED_IN:
                release_within(connection, hold, by=by, reason="the person wants to be scored again", on=on)
        return fold_notices([*entries, *added])[employee_id]


def text_hash(spec: NoticesSpec, version: str) -> str:
    """SHA-256 of the text of a version, in both languages: a text that was changed afterwards is noticed."""
    return hashlib.sha256(spec.versions[version].model_dump_json().encode()).hexdigest()


def _entry(employee_id: str, event: str, on: dt.date, **more: Json) -> NewEntry:
    entry: JsonObject = {"event": event, "on": on.isoformat(), **more}
    key = hashlib.sha256(repr([employee_id, *sorted(entry.items())]).encode()).hexdigest()
    return NewEntry(key=f"{event}/{key}", subject=employee_id, entry=entry)


def _require(text: str, name: str, *, where: str) -> None:
    if not text.strip():
        raise PerfmlError(f"{name} is empty", where=where, remedy="fill it in")
