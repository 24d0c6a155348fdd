"""What the entries about holds add up to: a pure function, in which the order of arrival does not matter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from perfml.messages import Message
from perfml.store.record_store import StoredEntry
from perfml.trust.holds.hold import Hold, Release

SET, SEEN, RELEASE = "set", "seen", "release"


def fold(entries: Iterable[StoredEntry]) -> tuple[Hold, ...]:
    """The holds of ``entries``, in the order in which they were set.

    Days seen clean count after the last day that was not; a day seen both ways is not clean. Of several releases the first
    stored counts. What is entered about a hold that was never set is ignored.
    """
    parts: dict[str, dict[str, list[StoredEntry]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.number):
        of_hold = parts.setdefault(str(entry.entry["hold_id"]), {SET: [], SEEN: [], RELEASE: []})
        of_hold[str(entry.entry["what"])].append(entry)
    holds = [_hold(of_hold) for of_hold in parts.values() if of_hold[SET]]
    return tuple(sorted(holds, key=lambda hold: (hold.set_on, hold.hold_id)))


def _hold(parts: Mapping[str, list[StoredEntry]]) -> Hold:
    first: Mapping[str, Any] = parts[SET][0].entry
    seen: list[Mapping[str, Any]] = [entry.entry for entry in parts[SEEN]]
    dirty = {_day(entry["day"]) for entry in seen if not entry["clean"]}
    last_dirty = max(dirty, default=dt.date.min)
    clean = {day for entry in seen if entry["clean"] and (day := _day(entry["day"])) > last_dirty}
    lifted = parts[RELEASE][0] if parts[RELEASE] else None
    return Hold(
        hold_id=first["hold_id"],
        entity=first["entity"],
        cause=first["cause"],
        message=Message.model_validate(first["message"]),
        set_on=_day(first["set_on"]),
        since=_day(first["since"]),
        set_by=first["set_by"],
        employee_id=first["employee_id"],
        clean_days=tuple(sorted(clean)),
        release=None if lifted is None else _release(lifted.entry),
        number=(lifted or parts[SET][0]).number,
    )


def _release(entry: Mapping[str, Any]) -> Release:
    return Release(by=entry["by"], reason=entry["reason"], on=_day(entry["on"]), right=entry["right"])


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
