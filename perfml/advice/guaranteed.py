"""A list with a guarantee: at most a stated share of its conversations goes to people without the outcome, or there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.learning.record import BacktestRecord
from perfml.learning.validation.conformal import least_limits, length_within
from perfml.messages import Message, both, chain
from perfml.scoring.drift.files import KeptDrift, kept_drift

GuaranteeState = Literal["kept", "none", "ended", "insufficient"]


@dataclass(frozen=True, kw_only=True)
class Guarantee:
    """What can be promised of a list under a limit.

    ``kept``: the list holds the ``size`` ranked highest; ``none``: no list keeps the limit, the ``least`` that one
    would keep is greater; ``ended``: people and outcomes are no longer like those it was measured by; ``insufficient``: the
    version in use was not measured.
    """

    wasted_at_most: float
    state: GuaranteeState
    size: int
    least: float | None
    """The smallest limit that a list keeps; null where none does."""
    text: Message

    def to_json(self) -> JsonObject:
        """As JSON, the sentence in both languages."""
        fields = {name: value for name, value in vars(self).items() if name != "text"}
        return {**fields, **both(self.text)}


def guarantee_of(
    home: Path,
    model: str,
    tested: BacktestRecord | None,
    *,
    version: str,
    wasted_at_most: float,
    most: int,
    scored: int,
) -> Guarantee:
    """The guarantee of one date and horizon. ``scored``: how many people were ranked; ``most``: how many there is time for.

    The limit is kept on average over many lists, of the whole list and not of a part of it. Raises :class:`PerfmlError` for a
    limit outside (0, 1).
    """
    if not 0 < wasted_at_most < 1:
        raise PerfmlError(
            f"{wasted_at_most} cannot be used", where="wasted_at_most", remedy="give a share above 0, below 1"
        )
    measured_by = None if tested is None else tested.guarantee
    if tested is None or measured_by is None:
        return _empty(wasted_at_most, "insufficient", Message.of("guarantee_not_measured", model=model))
    drift = _verdict(kept_drift(home, model), version, tested.horizon_days)
    if measured_by.verdict == "fail" or drift == "retrain":
        why = measured_by.text if measured_by.verdict == "fail" else Message.of("guarantee_drifted", model=model)
        return _empty(wasted_at_most, "ended", Message.of("guarantee_ended", why=why))
    limits = least_limits(scored, measured_by, most=most)
    least = float(limits[0]) if len(limits) and limits[0] < 1 else None
    size = length_within(limits, wasted_at_most)
    if not size:
        code = "guarantee_none" if least is None else "guarantee_none_below"
        numbers = {} if least is None else {"least": least}
        return _empty(wasted_at_most, "none", Message.of(code, limit=wasted_at_most, **numbers), least=least)
    parts = [Message.of("guarantee_kept", limit=wasted_at_most, people=size, rows=measured_by.rows)]
    if measured_by.verdict == "insufficient":
        parts.append(measured_by.text)
    if drift is None:
        parts.append(Message.of("guarantee_drift_unchecked", model=model))
    return Guarantee(
        wasted_at_most=wasted_at_most,
        state="kept",
        size=size,
        least=least,
        text=chain("drift_also", parts),
    )


def _empty(limit: float, state: GuaranteeState, text: Message, *, least: float | None = None) -> Guarantee:
    return Guarantee(wasted_at_most=limit, state=state, size=0, least=least, text=text)


def _verdict(drift: KeptDrift | None, version: str, days: int) -> str | None:
    """What the newest check says of the version and horizon; None where it has not been checked."""
    if drift is None or drift.version != version:
        return None
    return next((each.verdict for each in drift.horizons if each.horizon_days == days), None)
