"""The log of holds in the store of a home: set, seen clean or not, lifted by a named person."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.sentences import is_sentence
from perfml.store.record_store import NewEntry, RecordStore, add_entries, caller_key, read_entries, stored_before
from perfml.store.tables import HOLDS
from perfml.trust.holds.covering import Units
from perfml.trust.holds.folding import RELEASE, SEEN, SET, fold
from perfml.trust.holds.hold import CLEAN_DAYS, EVERYTHING, Cause, Hold, require_entity
from perfml.trust.holds.lifting import queue_lifted


@dataclass(frozen=True, kw_only=True)
class HoldState:
    """All holds as of one entry of the store: what a scoring run was made under, and can be replayed under."""

    number: int = 0
    """Of the newest entry about holds."""
    holds: tuple[Hold, ...] = ()

    @property
    def active(self) -> tuple[Hold, ...]:
        """Those that nobody has lifted."""
        return tuple(hold for hold in self.holds if hold.active)


class HoldLog:
    """Holds that are entered; those on broken rows are computed from the data (:func:`.held.held_people`)."""

    def __init__(self, home: Path) -> None:
        self._store = RecordStore(home)

    def state(self, until: int | None = None) -> HoldState:
        """Every hold, lifted or not, as of entry number ``until`` (default: now)."""
        entries = [e for e in self._store.read(HOLDS) if until is None or e.number <= until]
        return HoldState(number=max((entry.number for entry in entries), default=0), holds=fold(entries))

    def active(self, as_of: dt.date | None = None) -> tuple[Hold, ...]:
        """The holds in force now; with ``as_of`` those set on or before that day and not lifted by then."""
        return tuple(
            hold
            for hold in self.state().holds
            if (hold.active if as_of is None else hold.set_on <= as_of and _lasts(hold, as_of))
        )

    def set(
        self,
        entity: str,
        *,
        cause: Cause,
        message: Message,
        on: dt.date,
        since: dt.date | None = None,
        by: str = "perfml",
        employee_id: str | None = None,
    ) -> Hold:
        """Hold ``entity`` from ``on``, its data in doubt ``since`` a day (default: ``on``). An entity is held once for a cause:
        where it is, the hold in force is returned."""
        with self._store.transaction() as connection:
            return set_within(
                connection, entity, cause=cause, message=message, on=on, since=since, by=by, employee_id=employee_id
            )

    def seen(self, hold_id: str, *, day: dt.date, clean: bool) -> Hold:
        """Note whether ``day`` was clean. Raises :class:`PerfmlError` for an unknown hold."""
        with self._store.transaction() as connection:
            hold = _known(connection, hold_id)
            _add(connection, hold.entity, {"what": SEEN, "hold_id": hold_id, "day": day.isoformat(), "clean": clean})
            return _known(connection, hold_id)

    def release(
        self,
        hold_id: str,
        *,
        by: str,
        reason: str,
        on: dt.date,
        units: Units = MappingProxyType({}),
        idempotency_key: str | None = None,
    ) -> Hold:
        """Lift a hold: a named person and a reason are required, and :data:`~.hold.CLEAN_DAYS` where days are measured.

        The people of ``units`` whom it covered are sent a message, and whoever was sent one when it was set.

        Raises :class:`PerfmlError`, naming the days seen, where that is not so, for an unknown hold, and for one that ends
        with its dispute.
        """
        request: JsonObject = {"what": RELEASE, "hold_id": hold_id, "by": by, "reason": reason}
        with self._store.transaction() as connection:
            hold = _known(connection, hold_id)
            if stored_before(connection, HOLDS, idempotency_key, subject=hold.entity, request=request):
                return hold
            if hold.cause == "dispute":
                raise PerfmlError(
                    "ends with its dispute", where=f"hold {hold_id}", remedy="decide it with `perfml resolve`"
                )
            if hold.cause == "opt_out":
                raise PerfmlError(
                    "is the person's own choice",
                    where=f"hold {hold_id}",
                    remedy="they withdraw it with `perfml opt-out --withdraw`",
                )
            lifted = release_within(connection, hold, by=by, reason=reason, on=on, idempotency_key=idempotency_key)
            queue_lifted(connection, lifted, units)
            return lifted

    def stop(self, *, by: str, reason: str, on: dt.date, idempotency_key: str | None = None) -> Hold:
        """Hold everything, until :meth:`resume`. A stop that comes late, after it was lifted, stops nothing where it has the
        ``idempotency_key`` of the one before. Raises :class:`PerfmlError` without a name or a reason."""
        _require_sign_off(by, reason, where="stop")
        message = Message.of("hold_stop", by=by, reason=reason)
        request: JsonObject = {"what": SET, "message": message.model_dump(mode="json"), "set_by": by}
        with self._store.transaction() as connection:
            before = stored_before(connection, HOLDS, idempotency_key, subject=EVERYTHING, request=request)
            if before is not None:
                return _known(connection, str(before.entry["hold_id"]))
            return set_within(
                connection, EVERYTHING, cause="stop", message=message, on=on, by=by, idempotency_key=idempotency_key
            )

    def resume(self, *, by: str, reason: str, on: dt.date, idempotency_key: str | None = None) -> Hold:
        """Lift the stop. Raises :class:`PerfmlError` where nothing is stopped, and without a name or a reason."""
        request: JsonObject = {"what": RELEASE, "by": by, "reason": reason}
        with self._store.transaction() as connection:
            before = stored_before(connection, HOLDS, idempotency_key, subject=EVERYTHING, request=request)
            if before is not None:
                return _known(connection, str(before.entry["hold_id"]))
            stopped = [hold for hold in _of_entity(connection, EVERYTHING) if hold.active and hold.cause == "stop"]
            if not stopped:
                raise PerfmlError("nothing is stopped", where="resume", remedy="`perfml holds` lists what is held")
            lifted = release_within(
                connection, stopped[0], by=by, reason=reason, on=on, idempotency_key=idempotency_key
            )
            queue_lifted(connection, lifted, {})
            return lifted


def set_within(
    connection: sql.Connection,
    entity: str,
    *,
    cause: Cause,
    message: Message,
    on: dt.date,
    since: dt.date | None = None,
    by: str = "perfml",
    employee_id: str | None = None,
    idempotency_key: str | None = None,
) -> Hold:
    """Set a hold within a transaction, see :meth:`HoldLog.set`."""
    require_entity(entity)
    alike = [hold for hold in _of_entity(connection, entity) if hold.cause == cause and hold.employee_id == employee_id]
    for hold in alike:
        if hold.active:
            return hold
    identity = f"{entity}|{cause}|{employee_id}|{on}|{len(alike)}"
    entry: JsonObject = {
        "what": SET,
        "hold_id": hashlib.sha256(identity.encode()).hexdigest()[:12],
        "entity": entity,
        "cause": cause,
        "message": message.model_dump(mode="json"),
        "set_on": on.isoformat(),
        "since": (since or on).isoformat(),
        "set_by": by,
        "employee_id": employee_id,
    }
    _add(connection, entity, entry, idempotency_key)
    return _known(connection, str(entry["hold_id"]))


def release_within(
    connection: sql.Connection,
    hold: Hold,
    *,
    by: str,
    reason: str,
    on: dt.date,
    right: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Hold:
    """Lift ``hold`` within a transaction, see :meth:`HoldLog.release`; ``right``: what an upheld dispute corrects."""
    where = f"hold {hold.hold_id}"
    _require_sign_off(by, reason, where=where)
    if hold.release is not None:
        raise PerfmlError(f"was lifted by {hold.release.by} on {hold.release.on}", where=where)
    if hold.days_missing:
        seen = ", ".join(map(str, hold.clean_days)) or "none"
        raise PerfmlError(
            f"needs {CLEAN_DAYS} clean days after the last day that was not; seen: {seen}",
            where=where,
            remedy="wait for the next clean day",
        )
    entry: JsonObject = {
        "by": by,
        "reason": reason,
        "on": on.isoformat(),
        "right": None if right is None else dict(right),
    }
    _add(connection, hold.entity, {"what": RELEASE, "hold_id": hold.hold_id, **entry}, idempotency_key)
    return _known(connection, hold.hold_id)


def _of_entity(connection: sql.Connection, entity: str) -> tuple[Hold, ...]:
    return fold(read_entries(connection, HOLDS, subjects=[entity]))


def _known(connection: sql.Connection, hold_id: str) -> Hold:
    hold = next((hold for hold in fold(read_entries(connection, HOLDS)) if hold.hold_id == hold_id), None)
    if hold is None:
        raise PerfmlError("is no hold", where=repr(hold_id), remedy="`perfml holds` lists them")
    return hold


def _add(connection: sql.Connection, entity: str, entry: JsonObject, idempotency_key: str | None = None) -> None:
    """Add an entry under the caller's key, else one made of what it says, so that the same is stored once."""
    own = "|".join(str(entry[name]) for name in ("hold_id", "what", "day", "clean") if name in entry)
    key = own if idempotency_key is None else caller_key(idempotency_key)
    add_entries(connection, HOLDS, [NewEntry(key=key, subject=entity, entry=entry)])


def _require_sign_off(by: str, reason: str, *, where: str) -> None:
    if not by.strip():
        raise PerfmlError("names nobody", where=where, remedy="say who: --by NAME")
    if not is_sentence(reason):
        raise PerfmlError("gives no reason", where=where, remedy="say why in a sentence: --reason TEXT")


def _lasts(hold: Hold, as_of: dt.date) -> bool:
    return hold.release is None or hold.release.on > as_of
