"""The ledger of deliveries: opened, attempted, and what came of each attempt, in entries that are only added.

A delivery is opened once for a content. An attempt is written down before anything is sent: of two processes one sends, and what
one that was killed has begun is tried again, under the same id. The ledger holds counts and hashes, and nobody's data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.outgoing.content import Exported
from perfml.store.audit.acting import acting
from perfml.store.audit.chain import append_seen, seen
from perfml.store.record_store import NewEntry, RecordStore, StoredEntry, add_entries, read_entries
from perfml.store.tables import EXPORTS

OPENED, ATTEMPT, OUTCOME = "opened", "attempt", "outcome"
ExportState = Literal["delivered", "waiting", "given_up"]
SENDING = dt.timedelta(minutes=5)
"""How long an attempt without an outcome counts as under way."""


@dataclass(frozen=True, kw_only=True)
class ExportDelivery:
    """One content on its way to one receiver."""

    delivery_id: str
    export: str
    schema: str
    as_of: str
    recipient: str
    """Host of a webhook, ``folder``, or ``download``: no path, which may hold a secret."""
    by: str
    """Who opened it."""
    rows: int
    people: int
    bytes: int
    sha256: str
    opened_at: str
    """UTC, ISO 8601."""
    attempts: int = 0
    slots: tuple[str, ...] = ()
    """The due days that it was attempted for."""
    state: ExportState = "waiting"
    problem: str | None = None
    """What the last attempt ended with, where it was not delivered."""
    delivered_at: str | None = None

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return {**asdict(self), "slots": list(self.slots)}


class ExportLedger:
    """The ledger in the store of ``home``."""

    def __init__(self, home: Path) -> None:
        self._store = RecordStore(home)

    def deliveries(self, export: str | None = None) -> list[ExportDelivery]:
        """Every delivery (of ``export``; default: all), in the order in which they were opened."""
        return fold_deliveries(self._store.read(EXPORTS, subjects=None if export is None else [export]))

    def begin(
        self, exported: Exported, *, recipient: str, slot: dt.date | None, now: dt.datetime
    ) -> tuple[ExportDelivery, int | None]:
        """Open the delivery where it is new, and write down an attempt; return its number, None where it was delivered before.

        Whom it shows is written to the audit log in the same transaction. Raises :class:`PerfmlError` while another process
        sends it.
        """
        manifest, export = exported.manifest, exported.manifest.export
        with self._store.transaction() as connection:
            entries = read_entries(connection, EXPORTS, subjects=[export])
            known = _of(entries, manifest.delivery_id)
            if known is None:
                self._open(connection, exported, recipient)
            elif known.state == "delivered":
                if slot is None or str(slot) in known.slots:
                    return known, None
                _add(connection, export, f"slot/{manifest.delivery_id}/{slot}", _slot(manifest.delivery_id, slot))
                return replace(known, slots=(*known.slots, str(slot))), None
            elif _under_way(entries, manifest.delivery_id, now):
                raise PerfmlError(
                    "another process sends it",
                    where=f"export {export}",
                    remedy="wait some minutes; `perfml export ledger`",
                )
            number = (0 if known is None else known.attempts) + 1
            entry = {**_slot(manifest.delivery_id, slot), "event": ATTEMPT, "number": number, "by": acting().name}
            _add(connection, export, f"{ATTEMPT}/{manifest.delivery_id}/{number}", entry)
            delivery = _of(read_entries(connection, EXPORTS, subjects=[export]), manifest.delivery_id)
        assert delivery is not None
        return delivery, number

    def end(self, exported: Exported, number: int, *, problem: str | None, given_up: bool = False) -> ExportDelivery:
        """Write down what came of an attempt."""
        export, delivery_id = exported.manifest.export, exported.manifest.delivery_id
        entry: JsonObject = {
            **{"event": OUTCOME, "delivery": delivery_id, "number": number},
            **{"problem": problem, "given_up": given_up},
        }
        with self._store.transaction() as connection:
            _add(connection, export, f"{OUTCOME}/{delivery_id}/{number}", entry)
            delivery = _of(read_entries(connection, EXPORTS, subjects=[export]), delivery_id)
        assert delivery is not None
        return delivery

    def _open(self, connection: sql.Connection, exported: Exported, recipient: str) -> None:
        manifest = exported.manifest
        entry: JsonObject = {
            **{"event": OPENED, "delivery": manifest.delivery_id, "export": manifest.export, "schema": manifest.schema},
            **{"as_of": manifest.as_of, "recipient": recipient, "by": acting().name, "purpose": manifest.purpose},
            **{
                "rows": manifest.rows,
                "people": len(exported.people),
                "bytes": manifest.bytes,
                "sha256": manifest.sha256,
            },
        }
        _add(connection, manifest.export, f"{OPENED}/{manifest.delivery_id}", entry)
        if exported.people:
            append_seen(connection, [seen(f"export {manifest.export} {manifest.as_of}", exported.people)])


def fold_deliveries(entries: Iterable[StoredEntry]) -> list[ExportDelivery]:
    """The deliveries that ``entries`` add up to."""
    parts: dict[str, list[StoredEntry]] = {}
    for each in entries:
        parts.setdefault(str(each.entry["delivery"]), []).append(each)
    return [_delivery(of_one) for of_one in parts.values() if any(each.entry["event"] == OPENED for each in of_one)]


def _delivery(entries: list[StoredEntry]) -> ExportDelivery:
    opened = next(each for each in entries if each.entry["event"] == OPENED)
    outcomes = [each for each in entries if each.entry["event"] == OUTCOME]
    done = next((each for each in outcomes if each.entry["problem"] is None), None)
    last = outcomes[-1].entry if outcomes else None
    state: ExportState = "delivered" if done else "given_up" if last is not None and last["given_up"] else "waiting"
    texts = {name: str(value) for name, value in opened.entry.items()}
    return ExportDelivery(
        delivery_id=texts["delivery"],
        export=texts["export"],
        schema=texts["schema"],
        as_of=texts["as_of"],
        recipient=texts["recipient"],
        by=texts["by"],
        rows=int(texts["rows"]),
        people=int(texts["people"]),
        bytes=int(texts["bytes"]),
        sha256=texts["sha256"],
        opened_at=opened.entered_at,
        attempts=sum(each.entry["event"] == ATTEMPT for each in entries),
        slots=tuple(dict.fromkeys(str(each.entry["slot"]) for each in entries if each.entry.get("slot"))),
        state=state,
        problem=None if done or last is None else str(last["problem"]),
        delivered_at=done.entered_at if done else None,
    )


def _of(entries: Iterable[StoredEntry], delivery_id: str) -> ExportDelivery | None:
    return next((each for each in fold_deliveries(entries) if each.delivery_id == delivery_id), None)


def _under_way(entries: Iterable[StoredEntry], delivery_id: str, now: dt.datetime) -> bool:
    """Whether the last attempt is recent and has no outcome."""
    own = [each for each in entries if each.entry["delivery"] == delivery_id]
    last = own[-1]
    return last.entry["event"] == ATTEMPT and now - dt.datetime.fromisoformat(last.entered_at) < SENDING


def _slot(delivery_id: str, slot: dt.date | None) -> JsonObject:
    return {"event": "slot", "delivery": delivery_id, "slot": None if slot is None else str(slot)}


def _add(connection: sql.Connection, export: str, key: str, entry: JsonObject) -> None:
    add_entries(connection, EXPORTS, [NewEntry(key=key, subject=export, entry=entry)])
