"""The tables of the store. Each holds entries: written once, never changed; what is so now is what the entries add up to."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sql

METADATA = sql.MetaData()
HEAD = "0006"
"""The newest migration; a test compares it with ``migrations/versions``."""


def _entries(name: str) -> sql.Table:
    """A table of entries about a ``subject``, in the order of their ``number``; an idempotency ``key`` stands for one entry."""
    return sql.Table(
        name,
        METADATA,
        sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("key", sql.Text, nullable=False, unique=True),
        sql.Column("subject", sql.Text, nullable=False, index=True),
        sql.Column("entry", sql.Text, nullable=False),
        sql.Column("entered_at", sql.Text, nullable=False),
        sqlite_autoincrement=True,  # a number is never given twice
    )


IDENTITY = sql.Table("store", METADATA, sql.Column("id", sql.Text, primary_key=True))
"""One row: the id that the marker under ``home`` names."""
DECISIONS = _entries("decisions")
"""About suggestions."""
INTERVENTIONS = _entries("interventions")
"""Help for employees."""
DELIVERIES = _entries("deliveries")
"""Packets that came, alarms about those that did not, and their acknowledgements, by source."""
DEFINITIONS = _entries("definitions")
"""Sign-offs of definitions, by metric."""
HOLDS = _entries("holds")
"""Holds set, released and signed off, by the entity they concern."""
DISPUTES = _entries("disputes")
"""What becomes of a dispute, by its id."""
NOTICES = _entries("notices")
"""Notices given and opt-outs, by employee."""
OUTBOX = _entries("outbox")
"""Messages to people, and their delivery, by recipient."""
ALERTS = _entries("alerts")
"""Looks of the rules of alerts, what they saw of whom, and who takes care of it, by employee; a look by its rule."""
GRANTS = _entries("grants")
"""Roles granted and revoked, by account."""
CREDENTIALS = _entries("credentials")
"""Tokens, sessions and set-up links: made, used and revoked, by the hash of their secret."""
EXPORTS = _entries("exports")
"""What was sent to other systems, each attempt and its outcome, by the name of the export."""
PROMOTIONS = _entries("promotions")
"""Requests to put a version of a model in force, and their decisions, by model."""
ENTRIES = (
    DECISIONS,
    INTERVENTIONS,
    DELIVERIES,
    DEFINITIONS,
    HOLDS,
    DISPUTES,
    NOTICES,
    OUTBOX,
    ALERTS,
    GRANTS,
    CREDENTIALS,
    EXPORTS,
    PROMOTIONS,
)
OF_PEOPLE = frozenset({INTERVENTIONS, NOTICES, OUTBOX})
"""Tables whose subjects are people."""
AUDIT = sql.Table(
    "audit",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),  # without a gap
    *(
        sql.Column(name, sql.Text, nullable=False)
        for name in ("at", "action", "subjects", "payload", "previous", "hash")
    ),
)
"""The audit log, see :mod:`perfml.store.audit.chain`."""
PERSON_KEYS = sql.Table(
    "person_keys",
    METADATA,
    sql.Column("person", sql.Text, primary_key=True),
    sql.Column("pseudonym", sql.Text, nullable=False, unique=True),
    sql.Column("key", sql.Text, nullable=False),
)
"""Of everyone in the audit log who is not erased."""


@cache
def insertion(table: sql.Table, dialect: str) -> str:
    """What adds rows to ``table``, given as tuples in the order of its columns; as text, since to write it out for many rows
    costs more than to add them.

    >>> insertion(PERSON_KEYS, "sqlite")
    'insert into person_keys (person, pseudonym, key) values (?, ?, ?)'
    """
    names = [column.name for column in table.columns]
    return f"insert into {table.name} ({', '.join(names)}) values ({placeholders(len(names), dialect)})"


def placeholders(count: int, dialect: str) -> str:
    """Where ``count`` values stand in a statement that is text.

    >>> placeholders(2, "sqlite"), placeholders(2, "postgresql")
    ('?, ?', '%s, %s')
    """
    return ", ".join(["?" if dialect == "sqlite" else "%s"] * count)
