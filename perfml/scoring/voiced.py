"""What a manager or an employee may read of a score row: its reasons, and no figure of the risk."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

from perfml.json_types import JsonObject
from perfml.messages import Message, coded, stored_message
from perfml.project.voices import Reader
from perfml.reasons.voices import VoicedReason, Voices
from perfml.scoring.score_files import StoredScore


@dataclass(frozen=True, kw_only=True)
class VoicedScore:
    """A score row without a field for a probability, a rank, a band or a contribution: what is not there cannot leak."""

    employee_id: str
    model: str
    as_of: dt.date
    horizon_days: int
    status: str
    why_not: Message | None
    """Which data are broken, where the score is held."""
    reasons: tuple[VoicedReason, ...]
    """The strongest first."""

    @classmethod
    def of(cls, row: StoredScore, voices: Voices, who: Reader) -> VoicedScore:
        """A score row for ``who``."""
        return cls(
            employee_id=row["employee_id"],
            model=row["model"],
            as_of=row["as_of"],
            horizon_days=row["horizon_days"],
            status=row["status"],
            why_not=None if row["why_not"] is None else stored_message(row["why_not"]),
            reasons=voices.voiced_reasons(row["reasons"] or (), who),
        )

    def to_json(self) -> JsonObject:
        """As JSON, except that dates stay dates."""
        return {**asdict(self), "why_not": self.why_not and coded(self.why_not)}
