"""What is told of somebody beside a reference group: to HR, and to a manager or the employee."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Literal

from perfml.json_types import JsonObject
from perfml.messages import Message, coded
from perfml.project.voices import Reader, Who
from perfml.reasons.record import Reason
from perfml.reasons.voices import VoicedReason, Voices

ReferenceGroup = Literal["team", "peers"]
"""The same manager; or the same role family and level."""
ComparisonStatus = Literal["explained", "insufficient", "unscored"]


@dataclass(frozen=True, kw_only=True)
class VoicedComparison:
    """What a manager or an employee may read: no figure of the risk, of the group or of how many are in it."""

    employee_id: str
    model: str
    as_of: dt.date
    horizon_days: int
    group: ReferenceGroup
    compared: Message
    """With whom, in words for the reader."""
    status: ComparisonStatus
    why_not: Message | None
    """Why there are no reasons."""
    reasons: tuple[VoicedReason, ...]
    """The strongest first."""

    def to_json(self) -> JsonObject:
        """As JSON, except that dates stay dates."""
        return {**asdict(self), "compared": coded(self.compared), "why_not": self.why_not and coded(self.why_not)}


@dataclass(frozen=True, kw_only=True)
class GroupComparison:
    """What HR reads: reasons with contributions in log-odds, from ``base_value``, the mean margin of the group, to ``margin``."""

    employee_id: str
    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    group: ReferenceGroup
    compared: Message
    status: ComparisonStatus
    why_not: Message | None
    others: int | None
    """How many the person is compared with; None where that is not told."""
    margin: float | None
    base_value: float | None
    reasons: tuple[Reason, ...]
    """The strongest first; ``other`` adds up what is not listed. ``steady`` is not known of them."""

    def to_json(self) -> JsonObject:
        """As JSON, except that dates stay dates."""
        return {**asdict(self), "compared": coded(self.compared), "why_not": self.why_not and coded(self.why_not)}

    def voiced(self, voices: Voices, who: Reader) -> VoicedComparison:
        """The same for a manager or the employee."""
        return VoicedComparison(
            employee_id=self.employee_id,
            model=self.model,
            as_of=self.as_of,
            horizon_days=self.horizon_days,
            group=self.group,
            compared=compared_with(self.group, who),
            status=self.status,
            why_not=self.why_not,
            reasons=voices.voiced_reasons(self.reasons, who),
        )


def compared_with(group: ReferenceGroup, who: Who) -> Message:
    """``Compared with the other people of your team``."""
    return Message.of(f"against_{group}_yours" if who == "employee" else f"against_{group}")
