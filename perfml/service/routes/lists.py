"""Lists of people, and what people add up to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from perfml.service.answers.at_risk import AtRiskAnswer, AtRiskQuery, at_risk_json
from perfml.service.answers.overview.adoption import AdoptionAnswer, adoption
from perfml.service.answers.overview.raters import RatersAnswer, RatersQuery, rater_list
from perfml.service.answers.overview.team import TeamAnswer, TeamQuery, team_of
from perfml.service.answers.overview.trends import TrendsAnswer, TrendsQuery, trends
from perfml.service.answers.priorities import PrioritiesAnswer, PrioritiesQuery, priority_list
from perfml.service.problems import Invalid, ListReplaced, NotFound, NotProven, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, ModelName, OfGroups, Reach, subject_router
from perfml.service.texts import TextResponse

router = subject_router("lists")


@router.get(
    "/models/{model}/at-risk",
    summary="The people at risk, the highest risk first",
    response_model=AtRiskAnswer,
    responses=refusals(NotFound, NotProven, ListReplaced, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
async def get_at_risk(
    model: ModelName, query: Annotated[AtRiskQuery, Query()], store: AppStore, reach: Reach
) -> Response:
    """One page of the people at one date, the highest risk first. 409, and no list, where the model is not proven."""
    return TextResponse(at_risk_json(store, model, query, reach=reach))


@router.get(
    "/priorities",
    summary="Whom to talk to first",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_priorities(query: Annotated[PrioritiesQuery, Query()], store: AppStore, reach: Reach) -> PrioritiesAnswer:
    """The people to talk to first, as far as capacity allows. A model that is not proven lists nobody, and says why."""
    return priority_list(store, query, reach=reach)


@router.get("/team", summary="A manager's team and what waits to be done", responses=refusals(NotFound, Invalid))
def get_team(query: Annotated[TeamQuery, Query()], store: AppStore, reach: Reach) -> TeamAnswer:
    """The people who report to a manager today, by name, with alerts and suggestions that wait. No probability, and no rank."""
    return team_of(store, query, reach=reach)


@router.get(
    "/raters",
    summary="How severely reviewers rate",
    responses=refusals(NotFound, ListReplaced, Invalid, Unreadable),
)
def get_raters(query: Annotated[RatersQuery, Query()], store: AppStore, reach: Reach) -> RatersAnswer:
    """Reviewers compared with others who rated the same people, with intervals. Those who rated few people are only counted."""
    return rater_list(store, query, reach=reach)


@router.get(
    "/trends",
    summary="How many were listed, by date and department",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_trends(query: Annotated[TrendsQuery, Query()], store: AppStore) -> TrendsAnswer:
    """People scored and listed at each date, by department, and alerts raised by month. Figures of few people are withheld."""
    return trends(store, query)


@router.get(
    "/adoption",
    summary="What becomes of suggestions",
    responses=refusals(OverBudget),
    dependencies=OfGroups,
)
def get_adoption(store: AppStore) -> AdoptionAnswer:
    """How many suggestions were accepted and refused, and how much help was offered. Figures of few people are withheld."""
    return adoption(store)
