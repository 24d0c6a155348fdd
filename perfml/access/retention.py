"""Retention of access: what is over is erased, so that old secrets and old rights are nobody's record for ever.

The audit log goes on saying that they were, and by whom.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sql

from perfml.access.accounts import fold_accounts
from perfml.access.credentials import fold_credentials
from perfml.store.record_store import RecordStore, StoredEntry
from perfml.store.tables import CREDENTIALS, GRANTS
from perfml.trust.notices.retention import Retention

SECRETS_KEPT = dt.timedelta(days=30)
"""How long a token, a session or a link is remembered after its end, by the hash of its secret."""


def with_access(due: Retention, home: Path, *, now: dt.datetime, apply: bool) -> Retention:
    """Add what is over of access to ``due``, and with ``apply`` erase it: secrets 30 days after their end, and accounts whose
    every grant ended before the records that are kept."""
    store = RecordStore(home)
    expired = {
        CREDENTIALS: _ended_secrets(store.read(CREDENTIALS), now - SECRETS_KEPT),
        GRANTS: _ended_accounts(store.read(GRANTS), due.before),
    }
    if apply:
        for table, numbers in expired.items():
            if numbers:
                store.erase(table, numbers)
    return replace(due, entries={**due.entries, **_counted(expired)})


def _counted(expired: Mapping[sql.Table, list[int]]) -> dict[str, int]:
    return {table.name: len(numbers) for table, numbers in expired.items()}


def _ended_secrets(entries: list[StoredEntry], before: dt.datetime) -> list[int]:
    over = {digest for digest, known in fold_credentials(entries).items() if not known.valid(before)}
    return _untouched(entries, over, before)


def _ended_accounts(entries: list[StoredEntry], before: dt.date) -> list[int]:
    """Only whole accounts: a grant also says which employee the account is."""
    over = {
        name
        for name, account in fold_accounts(entries).items()
        if all(grant.ends is not None and grant.ends <= before for grant, _ in account.grants)
    }
    return _untouched(entries, over, dt.datetime.combine(before, dt.time()))


def _untouched(entries: Iterable[StoredEntry], over: set[str], before: dt.datetime) -> list[int]:
    """The numbers of all entries about those ``over`` of whom nothing was entered since."""
    recent = {each.subject for each in entries if _entered(each) >= before}
    return [each.number for each in entries if each.subject in over - recent]


def _entered(entry: StoredEntry) -> dt.datetime:
    return dt.datetime.fromisoformat(entry.entered_at).replace(tzinfo=None)
