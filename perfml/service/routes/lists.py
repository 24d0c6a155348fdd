"""Lists of people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.at_risk import AtRiskAnswer, AtRiskQuery, at_risk
from perfml.service.answers.priorities import PrioritiesAnswer, PrioritiesQuery, priority_list
from perfml.service.problems import Invalid, ListReplaced, NotFound, NotProven, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, ModelName, OfGroups, Reach, subject_router

router = subject_router("lists")


@router.get(
    "/models/{model}/at-risk",
    summary="The people at risk, the highest risk first",
    responses=refusals(NotFound, NotProven, ListReplaced, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_at_risk(
    model: ModelName, query: Annotated[AtRiskQuery, Query()], store: AppStore, reach: Reach
) -> AtRiskAnswer:
    """One page of the people at one date, the highest risk first. 409, and no list, where the model is not proven."""
    return at_risk(store, model, query, reach=reach)


@router.get(
    "/priorities",
    summary="Whom to talk to first",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_priorities(query: Annotated[PrioritiesQuery, Query()], store: AppStore, reach: Reach) -> PrioritiesAnswer:
    """The people to talk to first, as far as capacity allows. A model that is not proven lists nobody, and says why."""
    return priority_list(store, query, reach=reach)
