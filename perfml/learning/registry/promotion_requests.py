"""Promotion by two: one account asks for a version to be put in force, another approves or refuses it; both say why.

The request and its decision are entries of the store; an approval and the promotion are one transaction. Where no second account
is asked for, the request is approved as it is made, by whoever makes it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import sqlalchemy as sql

from perfml.errors import ModelError
from perfml.json_types import JsonObject
from perfml.learning.registry.artifacts import CHAMPION, pointed
from perfml.learning.registry.promotion import enter, require_promotable, require_reason
from perfml.messages import Message
from perfml.store.record_store import (
    NewEntry,
    RecordStore,
    StoredEntry,
    add_entries,
    caller_key,
    read_entries,
    stored_before,
)
from perfml.store.tables import PROMOTIONS

RequestState = Literal["waiting", "approved", "refused"]


@dataclass(frozen=True, kw_only=True)
class RequestDecision:
    """Who decided a request, how and why."""

    approved: bool
    by: str
    reason: str
    at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class PromotionRequest:
    """A version that somebody wants in force."""

    request_id: str
    model: str
    version: str
    by: str
    reason: str
    at: str
    """UTC, ISO 8601."""
    decision: RequestDecision | None = None
    """None while it waits."""

    @property
    def state(self) -> RequestState:
        """What became of it."""
        if self.decision is None:
            return "waiting"
        return "approved" if self.decision.approved else "refused"


def requests_of(home: Path, model: str) -> list[PromotionRequest]:
    """Every request of a model, oldest first."""
    return _folded(RecordStore(home).read(PROMOTIONS, subjects=[model]))


def waiting_of(requests: Iterable[PromotionRequest]) -> PromotionRequest | None:
    """The one that waits, if one does."""
    return next((each for each in requests if each.decision is None), None)


def ask(
    home: Path,
    model: str,
    version: str,
    *,
    by: str,
    reason: str,
    now: dt.datetime,
    key: str | None = None,
    alone: bool = False,
) -> PromotionRequest:
    """Ask for ``version`` to be put in force; ``alone``: it is, at once; ``key``: carried out once. An earlier version is asked
    for in the same way.

    Raises :class:`ModelError` where it fails a gate at every horizon or is in force, no reason is given, or another waits for
    somebody else.
    """
    require_promotable(home, model, version)
    require_reason(model, version, by=by, reason=reason)
    entry: JsonObject = {"event": "ask", "version": version, "by": by, "reason": reason.strip()}
    if alone:
        entry["alone"] = True
    with RecordStore(home).transaction() as connection:
        stored = stored_before(connection, PROMOTIONS, key, subject=model, request=entry)
        if stored is None:
            _require_free(home, model, version, among=[] if alone else _folded(_of(connection, model)))
            stored = _add(connection, model, entry, now=now, key=key)
            if alone:
                enter(connection, home, model, version=version, approver=by, reason=reason, now=now)
    return _asked(stored)


def decide(
    home: Path,
    model: str,
    request_id: str,
    *,
    approved: bool,
    by: str,
    reason: str,
    now: dt.datetime,
    key: str | None = None,
) -> PromotionRequest:
    """Approve or refuse a request that waits; approved, its version is in force at once.

    Raises :class:`ModelError` for whoever asked for it, without a reason, where it does not wait, and, approving, where the
    version is missing, altered or fails a gate.
    """
    decision: JsonObject = {
        "event": "decide",
        "request_id": request_id,
        "approved": approved,
        "by": by,
        "reason": reason.strip(),
    }
    with RecordStore(home).transaction() as connection:
        before = stored_before(connection, PROMOTIONS, key, subject=model, request=decision)
        requests = {each.request_id: each for each in _folded(_of(connection, model))}
        request = requests.get(request_id)
        if request is None or (request.decision is not None and before is None):
            raise ModelError(
                Message.of("promotion_no_request"), where=f"model {model}", remedy=Message.of("look_again")
            )
        if before is not None:
            return request
        require_reason(model, request.version, by=by, reason=reason)
        if by == request.by:
            raise ModelError(
                Message.of("promotion_own"),
                where=f"model {model} {request.version}",
                remedy=Message.of("promotion_own_remedy"),
            )
        if approved:
            require_promotable(home, model, request.version)
        stored = _add(connection, model, decision, now=now, key=key)
        if approved:
            enter(connection, home, model, version=request.version, approver=by, reason=request.reason, now=now)
    return replace(request, decision=_decided(stored))


def _require_free(home: Path, model: str, version: str, *, among: Iterable[PromotionRequest]) -> None:
    where = f"model {model} {version}"
    if pointed(home, model, CHAMPION) == version:
        raise ModelError(Message.of("promotion_in_force"), where=where, remedy=Message.of("promotion_choose_another"))
    waiting = waiting_of(among)
    if waiting is not None:
        raise ModelError(
            Message.of("promotion_waits", version=waiting.version, by=waiting.by),
            where=where,
            remedy=Message.of("promotion_decide_first"),
        )


def _of(connection: sql.Connection, model: str) -> list[StoredEntry]:
    return read_entries(connection, PROMOTIONS, subjects=[model])


def _add(
    connection: sql.Connection, model: str, entry: JsonObject, *, now: dt.datetime, key: str | None
) -> StoredEntry:
    whole: JsonObject = {**entry, "at": now.replace(tzinfo=None).isoformat(timespec="seconds")}
    if entry["event"] == "ask":
        whole["request_id"] = uuid.uuid4().hex[:12]
    own_key = uuid.uuid4().hex if key is None else caller_key(key)
    return add_entries(connection, PROMOTIONS, [NewEntry(key=own_key, subject=model, entry=whole)])[0]


def _folded(entries: Iterable[StoredEntry]) -> list[PromotionRequest]:
    requests: dict[str, PromotionRequest] = {}
    for stored in entries:
        name = str(stored.entry["request_id"])
        if stored.entry["event"] == "ask":
            requests[name] = _asked(stored)
        elif name in requests and requests[name].decision is None:
            requests[name] = replace(requests[name], decision=_decided(stored))
    return list(requests.values())


def _asked(stored: StoredEntry) -> PromotionRequest:
    entry = stored.entry
    return PromotionRequest(
        request_id=str(entry["request_id"]),
        model=stored.subject,
        version=str(entry["version"]),
        by=str(entry["by"]),
        reason=str(entry["reason"]),
        at=str(entry["at"]),
        decision=_decided(stored) if entry.get("alone") else None,
    )


def _decided(stored: StoredEntry) -> RequestDecision:
    """What an entry decides: that of somebody else, or a request that needs nobody else."""
    entry = stored.entry
    approved = entry["event"] == "ask" or entry["approved"] is True
    return RequestDecision(approved=approved, by=str(entry["by"]), reason=str(entry["reason"]), at=str(entry["at"]))
