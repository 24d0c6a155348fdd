"""A fact that is not used as it stands. Without DuckDB: the service asks too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class WithheldFact:
    """One row of one person: taken out, or with ``right`` columns in place of wrong ones."""

    table: str
    key: str
    """As :func:`~.rows.key_sql` gives it, and ``perfml check`` prints it."""
    employee_id: str
    right: Mapping[str, str] | None = None
    """Column -> right value; None: the row is taken out as long as this stands."""
    until: dt.date | None = None
    """Versions known from this day on are the company's own correction, and stay as they are."""


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """All facts that are not used as they stand, as of one entry of the store."""

    facts: tuple[WithheldFact, ...] = ()
    number: int | None = None
    """Of the newest entry about holds; None where no store was asked."""

    @property
    def decided(self) -> Withheld:
        """Those whose dispute was upheld."""
        return replace(self, facts=tuple(fact for fact in self.facts if fact.right is not None))
