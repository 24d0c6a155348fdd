"""What a policy of kind ``process_debt`` may contain: what processes owe to people, and from when on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Days, Owner, Spec

DebtRule = Literal["feedback", "goal_unmentioned", "overtime", "review_late"]
"""How a debt is found: no event of ``kinds`` for ``days``; a core goal of a running period that no event and no row of
``goal_mentions`` names; the sum of ``kinds`` within ``days`` above ``limit_hours``; no review of a period that ended."""


class ProcessSpec(Spec):
    """One process and what it owes."""

    zh: str
    """Its name in Chinese."""
    en: str
    """Its name in English."""
    rule: DebtRule
    """How a debt is found: ``feedback``, ``goal_unmentioned``, ``overtime`` or ``review_late``."""
    kinds: tuple[str, ...] = ()
    """Kinds of the log that settle it, or whose values are added up."""
    from_manager: bool = False
    """Of ``feedback``: whether only events with the manager as counterpart settle it."""
    days: Days
    """Days after which it is owed: after the last event, the beginning of the goal, or the end of the review's period; of
    ``overtime`` the window."""
    limit_hours: Annotated[float, Field(gt=0)] | None = None
    """Of ``overtime``: the agreed limit within the window."""
    owner: Owner = "manager"
    """Who can mend it."""
    model: str | None = None
    """The model in whose scores it shows; none where absent."""
    evidence: tuple[str, ...] = ()
    """The reasons of a score that carry it."""

    @model_validator(mode="after")
    def _fits_its_rule(self) -> ProcessSpec:
        if (self.limit_hours is None) == (self.rule == "overtime"):
            raise ValueError("limit_hours belongs to rule 'overtime', and only to it")
        if self.rule in ("feedback", "overtime") and not self.kinds:
            raise ValueError(f"rule {self.rule!r} needs kinds of the log; name at least one")
        return self


class ProcessDebtSpec(Spec):
    """``models/<name>.toml`` of kind ``process_debt``: what processes owe to people."""

    kind: Literal["process_debt"] = "process_debt"
    """Marks the file as a ledger of what is owed."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    processes: Mapping[str, ProcessSpec]
    """The processes by name."""
    off: tuple[str, ...] = ()
    """Processes that this project does not look at."""
