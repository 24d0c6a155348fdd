"""A dispute: which row, what is right, with which proof, by when it is to be decided, and how it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

DisputeVerdict: TypeAlias = Literal["upheld", "rejected"]
DISPUTE_VERDICTS: tuple[DisputeVerdict, ...] = get_args(DisputeVerdict)
DisputeState: TypeAlias = Literal["open", "upheld", "rejected"]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A file that was handed in, kept under its hash."""

    sha256: str
    name: str
    """As the sender called it; no path."""
    kind: str
    """What its content is: pdf, png, jpeg, txt or csv."""
    size: int
    """Bytes."""


@dataclass(frozen=True, kw_only=True)
class DisputeJudgement:
    """What one person decided, and why."""

    verdict: DisputeVerdict
    by: str
    """An employee id."""
    reason: str
    on: dt.date


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """One disputed fact of one person."""

    dispute_id: str
    employee_id: str
    table: str
    key: str
    right: Mapping[str, str]
    """Column -> value that is right; empty where the row should not exist."""
    filed_by: str
    filed_on: dt.date
    due_on: dt.date
    hold_id: str
    proof: Proof | None
    row: Mapping[str, str] | None
    """The row as it stood, where the data were read at filing."""
    concerned: tuple[str, ...]
    """Others whose act the fact is, such as the reviewer."""
    decision: DisputeJudgement | None = None
    reviews: tuple[DisputeJudgement, ...] = ()
    """What second reviewers would have decided."""
    escalated_on: dt.date | None = None

    @property
    def state(self) -> DisputeState:
        """Open, or as it was decided."""
        return "open" if self.decision is None else self.decision.verdict

    @property
    def fact(self) -> str:
        """The fact as people name it."""
        return f"{self.table}/{self.key}"

    def row_after(self) -> Mapping[str, str] | None:
        """The row as it stands now: as it stood, corrected, or None while it is withheld or where it should not exist."""
        if self.decision is None or self.row is None:
            return None
        if self.decision.verdict == "rejected":
            return self.row
        return {**self.row, **self.right} if self.right else None
