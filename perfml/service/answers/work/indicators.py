"""The newest figures of metrics that somebody computed: association, never cause."""

from __future__ import annotations

import datetime as dt

from perfml.goals.indicators.files import kept_indicators
from perfml.goals.indicators.record import AssociationRecord, Flag, MeasureKind, MetricVerdict
from perfml.messages import Message
from perfml.service.answers.shared import Answer, ServiceQuery, TextAnswer
from perfml.service.problems import NotFound
from perfml.service.store import Store


class MetricAnswer(Answer):
    """One metric of goals; figures are null where too little is known."""

    metric: str
    goals: int
    """Results of goals that have ended."""
    people: int
    periods: int
    verdict: MetricVerdict
    flags: tuple[Flag, ...]
    """How it misleads."""
    texts: tuple[TextAnswer, ...]
    """Why: a sentence for each flag, or for the verdict."""
    reached: float | None
    """Share of results at the target or above."""
    at_one_value: float | None
    """Largest share of results at one value."""
    at_threshold: int | None
    """Results that just reach the target."""
    below_threshold: int | None
    """Results that just miss it."""
    last_pace: float | None
    """Pace of the last stretch of a period over that before; median."""
    associations: tuple[AssociationRecord, ...]
    by_tenth: tuple[int, ...]
    """Results by attainment, from 0 to 2 in twenty steps of a tenth."""


class MissingIndicatorAnswer(Answer):
    """A recorded measure that moves with the metric of parent goals and stands in nobody's goals."""

    measure: str
    kind: MeasureKind
    """Whether it stands in `facts` or is counted in the log."""
    association: AssociationRecord
    text: TextAnswer


class IndicatorsAnswer(Answer):
    """Every metric of goals at a date."""

    as_of: dt.date
    metrics: tuple[MetricAnswer, ...]
    missing: tuple[MissingIndicatorAnswer, ...]
    looked_at: int
    """Recorded measures that were compared with parent goals."""
    notices: tuple[TextAnswer, ...]


class IndicatorsQuery(ServiceQuery):
    """Which date."""

    as_of: dt.date | None = None
    """The newest when absent."""


def indicator_figures(store: Store, query: IndicatorsQuery) -> IndicatorsAnswer:
    """Return what was computed. Raises :class:`NotFound` where nothing was, and :class:`DamagedFile`."""
    record = kept_indicators(store.home, query.as_of)
    if record is None:
        raise NotFound(
            Message.of("service_no_indicators"), where="as_of", remedy=Message.of("service_compute_indicators")
        )
    return IndicatorsAnswer(
        as_of=record.as_of,
        looked_at=record.looked_at,
        notices=tuple(TextAnswer.of(notice) for notice in record.notices),
        metrics=tuple(
            MetricAnswer(
                **each.model_dump(exclude={"reasons", "associations"}),
                associations=each.associations,
                texts=tuple(TextAnswer.of(reason) for reason in each.reasons),
            )
            for each in record.metrics
        ),
        missing=tuple(
            MissingIndicatorAnswer(
                measure=each.measure, kind=each.kind, association=each.association, text=TextAnswer.of(each.reason)
            )
            for each in record.missing
        ),
    )
