"""A hold: of whom or what, why, since when, and who lifted it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from perfml.errors import PerfmlError
from perfml.messages import Message

Cause: TypeAlias = Literal[
    "quarantine", "reconciliation", "dispute", "delivery", "definition", "stop", "opt_out", "notice"
]
CAUSES: tuple[Cause, ...] = get_args(Cause)
EVERYTHING = "everything"
KINDS = ("employee", "department", "location", "manager", "metric", "fact", EVERYTHING)
"""Kinds of entities: ``employee:E1``, ``department:South``, ``location:Harbour``, ``manager:E9`` (everyone below them),
``metric:sales``, ``fact:reviews/r1``, and ``everything``."""
CLEAN_DAYS = 2
"""Clean days after the last one that was not, before a hold on data may be lifted."""
MEASURED: tuple[Cause, ...] = ("reconciliation", "delivery")
"""Causes that are measured day by day, so that lifting the hold needs :data:`CLEAN_DAYS`."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Who lifted a hold, why and on which day.

    ``right``: the corrected columns of a fact whose dispute was upheld, none where the row should not exist; None where the
    fact stands.
    """

    by: str
    reason: str
    on: dt.date
    right: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Withholds the scores, targets and recommendations of one entity."""

    hold_id: str
    entity: str
    """One of :data:`KINDS` with its name."""
    cause: Cause
    message: Message
    """Why, for readers."""
    set_on: dt.date
    since: dt.date
    """The day from which the data are in doubt: a score of an as-of date up to it does not stand on them."""
    set_by: str = "perfml"
    employee_id: str | None = None
    """Whose fact it is, for ``fact:…``."""
    clean_days: tuple[dt.date, ...] = ()
    """Days seen clean after the last one that was not."""
    release: Release | None = None
    number: int = 0
    """Of the entry in the store that last set or lifted it; 0 for a hold that is computed from the data."""

    @property
    def kind(self) -> str:
        """The kind of its entity."""
        return self.entity.partition(":")[0]

    @property
    def name(self) -> str:
        """The name of its entity within its kind; empty for everything."""
        return self.entity.partition(":")[2]

    @property
    def active(self) -> bool:
        """Whether nobody has lifted it."""
        return self.release is None

    @property
    def whole_from(self) -> dt.date | None:
        """The first as-of date that stands on whole data again, where the hold is measured and lifted: its first clean day."""
        return self.clean_days[0] if self.cause in MEASURED and self.release and self.clean_days else None

    @property
    def days_missing(self) -> int:
        """Clean days that are still needed before it may be lifted."""
        return max(0, CLEAN_DAYS - len(self.clean_days)) if self.cause in MEASURED else 0


def require_entity(entity: str) -> str:
    """Return ``entity``. Raises :class:`PerfmlError` unless it is of one of :data:`KINDS` and has a name."""
    kind, _, name = entity.partition(":")
    if entity != EVERYTHING and (kind not in KINDS or kind == EVERYTHING or not name.strip()):
        names = ", ".join(f"{each}:…" for each in KINDS if each != EVERYTHING)
        raise PerfmlError("cannot be held", where=f"entity {entity!r}", remedy=f"use {names} or {EVERYTHING}")
    return entity


def fact_entity(table: str, key: str) -> str:
    """The entity of one row of a table, ``key`` as ``perfml check`` writes it."""
    return f"fact:{table}/{key}"
