"""What policies would change, as computed last: expected numbers of groups, and what is known of effects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from perfml.learning.effects.record import EffectDesign, EffectVerdict, IntervalRecord
from perfml.messages import Message
from perfml.scoring.what_if.files import kept_policies
from perfml.scoring.what_if.record import (
    ExpectedRecord,
    HorizonExpectedRecord,
    PolicyRecord,
    ShiftRecord,
    UnitExpectedRecord,
)
from perfml.service.answers.shared import Answer, ServiceQuery, TextAnswer
from perfml.service.problems import NotFound
from perfml.service.store import Store

MaySee = Callable[[str | None], bool]
"""Whether the asker may see figures of a department; None: of the whole company."""


class EffectAnswer(Answer):
    """What goes with one kind of programme in the share of people with the outcome; null where nothing can be said."""

    kind: str
    design: EffectDesign
    """Chance chose people, departments began one after another, or neither."""
    verdict: EffectVerdict
    causes: bool
    """Whether chance chose, so that the difference is what the programme causes."""
    days: int
    """Within which the outcome counts."""
    people: int | None
    units: int | None
    """Departments of a staggered start."""
    estimate: float | None
    """A difference of shares: -0.01 is one in a hundred fewer."""
    interval_80: IntervalRecord | None
    interval_95: IntervalRecord | None
    alike_95: IntervalRecord | None
    """Of a staggered start without a lot: if departments would otherwise have moved alike. The others take their drift out."""
    placebo_p: float | None
    """How often chance alone would show as large a difference before the start."""
    text: TextAnswer


class ShiftAnswer(Answer):
    """One change of evidence."""

    column: str
    en: str
    zh: str
    unit: str
    limit: float
    taken: float | None
    """The mean value that those concerned take, of people who really have it; null where it is withheld."""
    unknown: int | None
    """People of whom nothing is recorded; they stay as they are. Null for whoever sees a part of the company."""


class HorizonExpectedAnswer(Answer):
    """Expected numbers within one horizon."""

    horizon_days: int
    whole: ExpectedRecord | None
    """Of the whole company; null for whoever sees a part of it."""
    departments: tuple[UnitExpectedRecord, ...]
    """Those that the asker may see."""


class PolicyAnswer(Answer):
    """One policy: what the model predicts, which is no effect; and what is known of its effect."""

    policy: str
    title: TextAnswer
    as_of: dt.date
    model: str
    model_version: str | None
    part: bool
    """Whether the asker sees a part of the company: then only figures of departments that lie in their units."""
    shifts: tuple[ShiftAnswer, ...]
    horizons: tuple[HorizonExpectedAnswer, ...]
    refused: TextAnswer | None
    """Why nothing is predicted."""
    effects: tuple[EffectAnswer, ...]
    effects_as_of: dt.date | None
    note: TextAnswer


class PoliciesAnswer(Answer):
    """Every policy that was looked at."""

    policies: tuple[PolicyAnswer, ...]


class PoliciesQuery(ServiceQuery):
    """Which policy, of which date."""

    policy: str | None = None
    """Every one when absent."""
    as_of: dt.date | None = None
    """The newest of each when absent."""


def policies(store: Store, query: PoliciesQuery, *, may_see: MaySee) -> PoliciesAnswer:
    """Return what was computed, of the departments that the asker ``may_see``; effects are of kinds of programme, and in no unit.

    Small groups were withheld over the whole company when it was computed, so a part of the figures gives nothing away. Raises
    :class:`NotFound` where nothing was computed, and :class:`DamagedFile`.
    """
    records = kept_policies(store.home, policy=query.policy, as_of=query.as_of)
    if not records:
        raise NotFound(Message.of("service_no_policies"), where="policy", remedy=Message.of("service_compute_policies"))
    return PoliciesAnswer(policies=tuple(_answer(record, may_see) for record in records))


def _answer(record: PolicyRecord, may_see: MaySee) -> PolicyAnswer:
    part = not may_see(None)
    return PolicyAnswer(
        policy=record.policy,
        title=TextAnswer(zh=record.zh, en=record.en),
        as_of=record.as_of,
        model=record.model,
        model_version=record.model_version,
        part=part,
        shifts=tuple(_shift(each, part=part) for each in record.shifts),
        horizons=tuple(_horizon(each, may_see, part=part) for each in record.horizons),
        refused=None if record.refused is None else TextAnswer.of(record.refused),
        effects=tuple(EffectAnswer(**dict(each) | {"text": TextAnswer.of(each.text)}) for each in record.effects),
        effects_as_of=record.effects_as_of,
        note=TextAnswer.of(record.note),
    )


def _shift(shift: ShiftRecord, *, part: bool) -> ShiftAnswer:
    return ShiftAnswer(**dict(shift) | ({"taken": None, "unknown": None} if part else {}))


def _horizon(horizon: HorizonExpectedRecord, may_see: MaySee, *, part: bool) -> HorizonExpectedAnswer:
    own = (
        each for each in horizon.departments if not part or (each.department is not None and may_see(each.department))
    )
    return HorizonExpectedAnswer(
        horizon_days=horizon.horizon_days, whole=None if part else horizon.whole, departments=tuple(own)
    )
