"""Import of ``memory.sqlite``, where an earlier perfml kept decisions and interventions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sql

from perfml.files import reading
from perfml.store.audit.chain import append_added
from perfml.store.tables import DECISIONS, INTERVENTIONS

LEGACY_FILE = "memory.sqlite"
SUBJECTS = {"decisions": (DECISIONS, "suggestion_id"), "interventions": (INTERVENTIONS, "employee_id")}


def import_legacy(path: Path, connection: sql.Connection) -> None:
    """Add the entries of ``path`` that are not in the store yet, in their order and with their times.

    Nothing where there is no such file. Raises :class:`PerfmlError` for a damaged one: nothing of it is imported then.
    """
    if not path.exists():
        return
    for name, (table, subject) in SUBJECTS.items():
        with (
            reading(path, remedy="restore it from a backup, or remove it to go on without its entries"),
            closing(sqlite3.connect(f"file:{path.absolute()}?mode=ro", uri=True)) as legacy,
        ):
            try:
                entries = legacy.execute(
                    f"select key, {subject}, said, entered_at from {name} order by number"
                ).fetchall()
            except sqlite3.DatabaseError as error:
                raise ValueError(str(error)) from error
        stored = set(connection.execute(sql.select(table.c.key)).scalars())
        rows = [
            dict(zip(("key", "subject", "entry", "entered_at"), row, strict=True))
            for row in entries
            if row[0] not in stored
        ]
        for values in rows:
            connection.execute(table.insert().values(values))
            row = connection.execute(sql.select(table).where(table.c.key == values["key"])).mappings().one()
            append_added(connection, table, row)
