"""Conditions that definitions write in SQL over a few named facts, of an event or of a position."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp

from perfml.errors import DefinitionError, choose_from


def require_facts(sql: str, facts: Sequence[str], *, of: str, where: str) -> None:
    """Raise :class:`DefinitionError` unless ``sql`` is SQL that names no column but ``facts``.

    ``of``: what has the facts, such as ``an event``; ``where``: file and key.
    """
    try:
        named = {column.name for column in sqlglot.parse_one(sql, read="duckdb").find_all(exp.Column)}
    except sqlglot.errors.SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise DefinitionError(
            f"{sql!r} is not SQL ({reason})", where=where, remedy=f"write a condition on {', '.join(facts)}"
        ) from None
    for name in sorted(named - {*facts}):
        raise DefinitionError(f"{name!r} is no fact of {of}", where=where, remedy=choose_from(facts, instead_of=name))
