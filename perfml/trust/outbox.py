"""The outbox: messages to people, stored with what they are about, and carried to them at least once.

A message is an entry of the store under a key of its own, so it can be stored in one transaction with the alarm or the hold it
tells of, and the same message is stored once. :func:`deliver` carries those that wait; one that cannot be carried waits on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sql
import tenacity

from perfml.json_types import JsonObject
from perfml.messages import Message, render
from perfml.store.record_store import NewEntry, RecordStore, StoredEntry, add_entries
from perfml.store.tables import OUTBOX
from perfml.trust.carriers import Carrier, CarryingError, Letter, carrier_of

RETRIES = 3
"""Attempts to send one message in a call; the next call tries again."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
"""The pause after a failed attempt doubles, with a random part, so that many senders do not come back together."""
DELIVERED = "delivered"


@dataclass(frozen=True, kw_only=True)
class Post:
    """A message to one person, and whether it was carried."""

    key: str
    recipient: str
    """A name or an address, as the definition that names the person writes it."""
    subject: str
    """What it is about, such as a source, a hold or a dispute."""
    message: Message
    queued_at: str
    delivered_at: str | None = None
    """When it was carried, UTC, ISO 8601; None while it waits."""

    def letter(self) -> Letter:
        """The message in both languages, for a carrier."""
        return Letter(
            key=self.key,
            recipient=self.recipient,
            subject=self.subject,
            en=render(self.message, "en"),
            zh=render(self.message, "zh"),
        )


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What one call of :func:`deliver` did."""

    delivered: tuple[Post, ...]
    waiting: tuple[Post, ...]
    problem: str | None = None
    """Why the first of those that wait could not be carried."""


def hold_key(hold_id: str) -> str:
    """The key of the message that a hold was set."""
    return f"hold/{hold_id}"


def notify(home: Path, *, recipient: str, message: Message, key: str, subject: str) -> None:
    """Store a message for ``recipient``; :func:`deliver` carries it. The same message under the same key is stored once.

    Raises :class:`KeyTaken` where ``key`` stands for another message.
    """
    with RecordStore(home).transaction() as connection:
        queue(connection, recipient=recipient, message=message, key=key, subject=subject)


def queue(connection: sql.Connection, *, recipient: str, message: Message, key: str, subject: str) -> None:
    """Store a message within a transaction, together with the entry that it tells of; see :func:`notify`."""
    entry: JsonObject = {"event": "queued", "subject": subject, "message": message.model_dump(mode="json")}
    add_entries(connection, OUTBOX, [NewEntry(key=key, subject=recipient, entry=entry)])


def posts(home: Path) -> list[Post]:
    """Every message that was stored, in the order in which it was."""
    return fold_posts(RecordStore(home).read(OUTBOX))


def fold_posts(entries: Sequence[StoredEntry]) -> list[Post]:
    """The messages that ``entries`` of the outbox add up to."""
    delivered = {str(e.entry["of"]): e.entered_at for e in entries if e.entry["event"] == DELIVERED}
    return [
        Post(
            key=each.key,
            recipient=each.subject,
            subject=str(each.entry["subject"]),
            message=Message.model_validate(each.entry["message"]),
            queued_at=each.entered_at,
            delivered_at=delivered.get(each.key),
        )
        for each in entries
        if each.entry["event"] != DELIVERED
    ]


def deliver(home: Path, *, carrier: Carrier | None = None, pause_seconds: float = FIRST_PAUSE_SECONDS) -> Carried:
    """Carry every message that waits, each tried :data:`RETRIES` times with growing pauses.

    ``carrier``: default the one that the environment names, else files under ``home/outbox``. A message is marked after it was
    carried: a process killed between the two carries it again under the same key, by which a receiver knows it. After a message
    that cannot be carried the rest is tried once each.
    """
    chosen = carrier or carrier_of(home)
    delivered, waiting, problem = [], [], None
    for post in posts(home):
        if post.delivered_at is not None:
            continue
        try:
            attempts = RETRIES if problem is None else 1
            retrying(_is_of_carrying, attempts=attempts, pause_seconds=pause_seconds)(chosen.carry, post.letter())
        except CarryingError as error:
            problem = problem or str(error)
            waiting.append(post)
            continue
        key = f"{DELIVERED}/{hashlib.sha256(post.key.encode()).hexdigest()}"
        entry = NewEntry(key=key, subject=post.recipient, entry={"event": DELIVERED, "of": post.key})
        RecordStore(home).add(OUTBOX, [entry])
        delivered.append(post)
    return Carried(delivered=tuple(delivered), waiting=tuple(waiting), problem=problem)


def retrying(
    is_passing: Callable[[BaseException], bool], *, attempts: int = RETRIES, pause_seconds: float
) -> tenacity.Retrying:
    """Call up to ``attempts`` times, with growing pauses, while ``is_passing`` of the error; the last error is raised."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_passing),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_random_exponential(multiplier=pause_seconds, max=LONGEST_PAUSE_SECONDS),
        reraise=True,
    )


def _is_of_carrying(error: BaseException) -> bool:
    return isinstance(error, CarryingError)
