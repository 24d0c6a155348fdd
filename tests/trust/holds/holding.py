"""Holds for tests."""

from __future__ import annotations

import datetime as dt

from perfml.messages import Message
from perfml.trust.holds.hold import Hold


def broken(person: str, *, table: str, rule: str) -> Hold:
    """A hold on a person with broken rows."""
    day = dt.date(2026, 1, 1)
    message = Message.of("hold_quarantine", table=table, rule=rule)
    return Hold(hold_id="h1", entity=f"employee:{person}", cause="quarantine", message=message, set_on=day, since=day)
