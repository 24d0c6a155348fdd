"""The list that HR works from: the people to talk to first, as far as capacity allows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Set
from typing import Annotated, cast

from pydantic import Field

from perfml.advice.decision_log import DecisionLog
from perfml.advice.guaranteed import GuaranteeState, guarantee_of
from perfml.advice.priorities import Held, Ranking, priorities
from perfml.messages import stored_message
from perfml.scoring.people.files import facts_of
from perfml.scoring.score_files import RankedRow
from perfml.service.answers.shared import (
    Answer,
    ExpectedCasesAnswer,
    HorizonDays,
    IsoDate,
    PeopleQuery,
    PersonFactsAnswer,
    ReasonLineAnswer,
    TextAnswer,
)
from perfml.service.scores import ScoreFile
from perfml.service.store import Store

ROWS_PER_READ = 100
"""Ranked people read together; reading stops when the list is full."""


class PriorityPersonAnswer(Answer):
    """One person on the list."""

    employee_id: str
    person: PersonFactsAnswer
    """Who it is: names are for HR, whose list this is."""
    rank: int
    probability: float
    owners: tuple[str, ...]
    """Who can act on the leading reasons, the strongest first: employee, manager, company or data."""
    reasons: tuple[ReasonLineAnswer, ...]


class HeldPersonAnswer(Answer):
    """A person whose score is held, and why."""

    employee_id: str
    why: TextAnswer


class RecentOfferAnswer(Answer):
    """A person who was recently offered help, or held out, and is not listed again yet."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: str


class ListBacktestAnswer(Answer):
    """What lists of this size held in the back-test."""

    share: float
    """Size of the list, as a share of those scored."""
    listed: int
    """Rows that would have been listed."""
    precision: float | None
    """Share of true cases among them, with its 95 % interval over people."""
    low: float | None
    high: float | None


class UpliftAnswer(Answer):
    """What a randomised offer changed: the share with the outcome among those offered less that among those held out."""

    kind: str
    offered: int
    held_out: int
    difference: float
    low: float
    high: float
    zh: str
    en: str


class GuaranteeAnswer(Answer):
    """What is promised of the list under a limit."""

    wasted_at_most: float
    state: GuaranteeState
    """``kept``; ``none``: no list keeps the limit; ``ended``: people are no longer like those it was measured by;
    ``insufficient``: the version was not measured for it. In all but the first nobody is listed."""
    size: int
    """The people of the whole company that the limit is kept for."""
    least: float | None
    """The smallest limit that a list keeps; null where none does."""
    zh: str
    en: str


class PrioritiesAnswer(Answer):
    """The list that HR works from, as far as capacity allows."""

    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    capacity: int
    proven: bool
    """Otherwise nobody is listed, and ``text`` says why."""
    cautions: tuple[TextAnswer, ...]
    """Which gates could not be judged, where nobody has promoted the version."""
    text: TextAnswer
    guarantee: GuaranteeAnswer | None
    """Null where no limit was asked for."""
    expected_cases: ExpectedCasesAnswer
    """Among ``people``."""
    backtested: ListBacktestAnswer | None
    uplift: tuple[UpliftAnswer, ...]
    """Empty where no offers were made at random: then the list shows risk only."""
    people: tuple[PriorityPersonAnswer, ...]
    """Those to talk to."""
    setting: tuple[PriorityPersonAnswer, ...]
    """Those most of whose raised risk others own: support the setting."""
    setting_more: int
    """How many more there are, with lower risk: ask with ``department``, ``manager_id`` or a larger ``settings``."""
    hold_out: tuple[PriorityPersonAnswer, ...]
    """Those left out at random."""
    held: tuple[HeldPersonAnswer, ...]
    lasting: tuple[RecentOfferAnswer, ...]


class PrioritiesQuery(PeopleQuery):
    """Which list, and how long."""

    model: str = "attrition"
    capacity: Annotated[int, Field(ge=1, le=10_000)] = 20
    """The number of people there is time to talk to."""
    settings: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """The most people under ``setting``; when absent, what the model's definition says, else as many as ``capacity``."""
    wasted_at_most: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The largest share of conversations that may go to people without the outcome; then at most ``capacity`` people of
    all groups are listed, as many as that allows, or nobody."""
    as_of: IsoDate | None = None
    horizon_days: HorizonDays | None = None
    """The shortest horizon when absent."""
    hold_out_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of those who would be listed that is left out at random."""


def priority_list(store: Store, query: PrioritiesQuery, *, reach: Set[str] | None = None) -> PrioritiesAnswer:
    """Work down the ranking of one date, of the people within ``reach`` (default: everyone).

    Raises :class:`NotFound` for an unknown model, date or horizon.
    """
    day, file = store.scores(query.model, query.as_of)
    horizon = file.horizon(query.horizon_days, model=query.model)
    days, version, known = horizon.days, horizon.version, store.people(day)
    statuses, people, why = file.columns(["status", "employee_id", "why_not"], slice(None))
    of_horizon, ranked = (
        [position for position in positions if query.selects(known, people[position], reach)]
        for positions in (horizon.rows, horizon.ranked)
    )
    ranking = Ranking(
        model=query.model,
        model_version=version,
        as_of=day,
        horizon_days=days,
        scored=sum(statuses[position] == "scored" for position in of_horizon),
        held=tuple(
            Held(str(people[position]), stored_message(str(why[position])))
            for position in of_horizon
            if statuses[position] == "held"
        ),
        ranked=_read(file, ranked),
    )
    record = store.record(query.model, version)
    guarantee = None
    if query.wasted_at_most is not None:
        guarantee = guarantee_of(
            store.home,
            query.model,
            record.backtests.get(days),
            version=version,
            wasted_at_most=query.wasted_at_most,
            most=query.capacity,
            scored=len(horizon.ranked),
        )
    result = priorities(
        ranking,
        record,
        capacity=query.capacity,
        settings=query.settings or record.spec.list.setting_people,
        interventions=DecisionLog(store.home).interventions(),
        hold_out_share=query.hold_out_share,
        cautions=store.cautions(query.model, version, days),
        guarantee=guarantee,
    )
    fields = result.to_json()
    for group in ("people", "setting", "hold_out"):
        for row in cast(list[dict[str, object]], fields[group]):
            row["person"] = PersonFactsAnswer.of(facts_of(known, str(row["employee_id"])))
    return PrioritiesAnswer.model_validate(
        {**fields, "expected_cases": fields["cases"], "text": {"zh": result.zh, "en": result.en}}
    )


def _read(file: ScoreFile, positions: list[int]) -> Iterator[RankedRow]:
    """Yield the rows at ``positions``, reading :data:`ROWS_PER_READ` at a time."""
    for start in range(0, len(positions), ROWS_PER_READ):
        part = positions[start : start + ROWS_PER_READ]
        rows = file.rows(part, ("employee_id", "rank", "probability", "reasons"), behind=False)
        yield from cast(list[RankedRow], rows)
