"""Who hears that a hold was lifted."""

from __future__ import annotations

import sqlalchemy as sql

from perfml.messages import Message
from perfml.store.record_store import read_entries
from perfml.store.tables import OUTBOX
from perfml.trust.entity_names import entity_message
from perfml.trust.holds.covering import Units, people_of
from perfml.trust.holds.hold import Hold
from perfml.trust.outbox import hold_key, queue


def queue_lifted(connection: sql.Connection, hold: Hold, units: Units) -> None:
    """Queue a message to everyone of ``units`` whom the lifted ``hold`` covered, and to whoever was sent its own message."""
    if hold.release is None:
        return
    owners = {entry.subject for entry in read_entries(connection, OUTBOX) if entry.key == hold_key(hold.hold_id)}
    message = Message.of(
        "hold_lifted",
        entity=entity_message(hold.entity),
        day=str(hold.set_on),
        by=hold.release.by,
        reason=hold.release.reason,
    )
    for recipient in sorted(owners | people_of([hold], units).keys()):
        key = f"{hold_key(hold.hold_id)}/lifted/{recipient}"
        queue(connection, recipient=recipient, message=message, key=key, subject=hold.entity)
