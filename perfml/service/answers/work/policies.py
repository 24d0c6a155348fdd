"""What policies would change, as computed last: expected numbers of groups, and what is known of effects."""

from __future__ import annotations

import datetime as dt

from perfml.learning.effects.record import EffectDesign, EffectVerdict, IntervalRecord
from perfml.messages import Message
from perfml.scoring.what_if.files import kept_policies
from perfml.scoring.what_if.record import HorizonExpectedRecord, PolicyRecord, ShiftRecord
from perfml.service.answers.shared import Answer, ServiceQuery, TextAnswer
from perfml.service.problems import NotFound
from perfml.service.store import Store


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
    placebo_p: float | None
    """How often chance alone would show as large a difference before the start."""
    text: TextAnswer


class PolicyAnswer(Answer):
    """One policy: what the model predicts, which is no effect; and what is known of its effect."""

    policy: str
    title: TextAnswer
    as_of: dt.date
    model: str
    model_version: str | None
    shifts: tuple[ShiftRecord, ...]
    horizons: tuple[HorizonExpectedRecord, ...]
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


def policies(store: Store, query: PoliciesQuery) -> PoliciesAnswer:
    """Return what was computed. Raises :class:`NotFound` where nothing was, and :class:`DamagedFile`."""
    records = kept_policies(store.home, policy=query.policy, as_of=query.as_of)
    if not records:
        raise NotFound(Message.of("service_no_policies"), where="policy", remedy=Message.of("service_compute_policies"))
    return PoliciesAnswer(policies=tuple(map(_answer, records)))


def _answer(record: PolicyRecord) -> PolicyAnswer:
    return PolicyAnswer(
        policy=record.policy,
        title=TextAnswer(zh=record.zh, en=record.en),
        as_of=record.as_of,
        model=record.model,
        model_version=record.model_version,
        shifts=record.shifts,
        horizons=record.horizons,
        refused=None if record.refused is None else TextAnswer.of(record.refused),
        effects=tuple(EffectAnswer(**dict(each) | {"text": TextAnswer.of(each.text)}) for each in record.effects),
        effects_as_of=record.effects_as_of,
        note=TextAnswer.of(record.note),
    )
