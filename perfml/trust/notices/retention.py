"""Retention: records are kept for the years that the policy says, and then erased.

What is still in force is kept however old it is: the newest notice and the choice to opt out, an alarm that nobody closed, a
packet of rows, a hold that nobody lifted, a dispute that is open, definitions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sql

from perfml.dates import DateLike, date_of
from perfml.errors import PerfmlError
from perfml.store.record_store import RecordStore, StoredEntry
from perfml.store.tables import ALERTS, DECISIONS, DELIVERIES, DISPUTES, HOLDS, INTERVENTIONS, NOTICES, OUTBOX
from perfml.trust.audit.history import erase_older
from perfml.trust.deliveries.alarm_log import fold_alarms
from perfml.trust.deliveries.inbox import RECEIVED
from perfml.trust.disputes.folding import fold as fold_disputes
from perfml.trust.holds.folding import fold
from perfml.trust.notices.notice_log import fold_notices
from perfml.trust.outbox import fold_posts

FOLDERS = (
    *("scores", "evidence", "suggestions", "people", "lines", "records"),
    *("raters", "goals", "process_debt", "feedback_network", "facts", "exports"),
)
"""Folders of ``home`` with files of one date each: what was computed about people, and lists of it for other systems."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What is older than the records that are kept."""

    before: dt.date
    """Records from before this day are not kept."""
    files: tuple[Path, ...]
    entries: Mapping[str, int]
    """Table of the store → entries that are no longer in force."""
    people: int
    """People whom the audit log has not mentioned since."""
    erased: bool

    @property
    def is_due(self) -> bool:
        """Whether something is to be erased."""
        return bool(self.files or self.people or any(self.entries.values()))

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return {
            "before": str(self.before),
            "files": [str(path) for path in self.files],
            "entries": dict(self.entries),
            "people": self.people,
            "erased": self.erased,
        }


def retention(home: Path, *, years: int, today: DateLike, apply: bool = False) -> Retention:
    """Find what is older than ``years``, and with ``apply`` erase it."""
    if years < 3:
        raise PerfmlError(f"{years} years are too few", where="retention_years", remedy="keep records for at least 3")
    before = _years_before(date_of(today), years)
    store = RecordStore(home)
    expired = {table: _expired(store.read(table), in_force, before) for table, in_force in IN_FORCE.items()}
    files = tuple(_old_files(home, before))
    if apply:
        for table, numbers in expired.items():
            if numbers:
                store.erase(table, numbers)
        for path in files:
            path.unlink(missing_ok=True)
    entries = {table.name: len(numbers) for table, numbers in expired.items()}
    people = erase_older(home, before, apply=apply)
    return Retention(before=before, files=files, entries=entries, people=people, erased=apply)


def _expired(
    entries: Sequence[StoredEntry], in_force: Callable[[Sequence[StoredEntry]], set[int]], before: dt.date
) -> list[int]:
    old = [each for each in entries if dt.datetime.fromisoformat(each.entered_at).date() < before]
    current = in_force(entries) if old else set()
    return [each.number for each in old if each.number not in current]


def _nothing(_entries: Sequence[StoredEntry]) -> set[int]:
    return set()


def _notices(entries: Sequence[StoredEntry]) -> set[int]:
    """The newest notice of each person, the entry that opted them out, and outcomes whose package is due."""
    states, numbers = fold_notices(entries), set()
    for each in entries:
        state, event = states[each.subject], each.entry["event"]
        newest = state.notices[-1] if state.notices else None
        is_newest = event == "given" and newest is not None and str(newest.given_on) == each.entry["on"]
        is_out = event == "opted_out" and str(state.opted_out_on) == each.entry["on"]
        is_due = event == "outcome" and any(
            str(o.on) == each.entry["on"] and o.package_on is None for o in state.outcomes
        )
        if is_newest or is_out or is_due:
            numbers.add(each.number)
    return numbers


def _deliveries(entries: Sequence[StoredEntry]) -> set[int]:
    """Receipts, whose packets are read, and everything about alarms that are not closed."""
    open_ = {(str(key[0]), str(key[1])) for key, alarm in fold_alarms(entries).items() if alarm.closed_at is None}
    return {
        each.number
        for each in entries
        if each.entry["event"] == RECEIVED or (each.subject, str(each.entry.get("business_date"))) in open_
    }


def _outbox(entries: Sequence[StoredEntry]) -> set[int]:
    waiting = {post.key for post in fold_posts(entries) if post.delivered_at is None}
    return {each.number for each in entries if each.key in waiting}


def _holds(entries: Sequence[StoredEntry]) -> set[int]:
    """Holds that nobody lifted, and those of facts, which also carry what an upheld dispute corrected."""
    lasting = {hold.hold_id for hold in fold(entries) if hold.active or hold.kind == "fact"}
    return {each.number for each in entries if each.entry["hold_id"] in lasting}


def _disputes(entries: Sequence[StoredEntry]) -> set[int]:
    undecided = {dispute.dispute_id for dispute in fold_disputes(entries) if dispute.state == "open"}
    return {each.number for each in entries if each.subject in undecided}


IN_FORCE: Mapping[sql.Table, Callable[[Sequence[StoredEntry]], set[int]]] = {
    ALERTS: _nothing,
    DECISIONS: _nothing,
    INTERVENTIONS: _nothing,
    DELIVERIES: _deliveries,
    DISPUTES: _disputes,
    HOLDS: _holds,
    NOTICES: _notices,
    OUTBOX: _outbox,
}
"""Table → the numbers of the entries that are still in force."""


def _old_files(home: Path, before: dt.date) -> Iterable[Path]:
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            day = _day(path.name)
            if path.is_file() and day is not None and day < before:
                yield path


def _day(name: str) -> dt.date | None:
    date = re.search(r"\d{4}-\d\d-\d\d", name)
    try:
        return None if date is None else dt.date.fromisoformat(date[0])
    except ValueError:
        return None


def _years_before(day: dt.date, years: int) -> dt.date:
    """The same day ``years`` earlier; 29 February becomes the 28th.

    >>> _years_before(dt.date(2028, 2, 29), 3)
    datetime.date(2025, 2, 28)
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
