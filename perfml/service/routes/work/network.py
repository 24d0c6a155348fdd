"""Who gives feedback and recognition to whom: figures of groups, and who is outside."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.work.network import (
    NetworkAnswer,
    NetworkQuery,
    OutsidePageAnswer,
    OutsideQuery,
    TeamNetworksAnswer,
    network,
    outside_people,
    team_networks,
)
from perfml.service.problems import Invalid, ListReplaced, NotFound, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, OfGroups, Reach, subject_router

router = subject_router("goals")


@router.get(
    "/feedback-network",
    summary="Feedback between departments and across levels",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_network(query: Annotated[NetworkQuery, Query()], store: AppStore, reach: Reach) -> NetworkAnswer:
    """What `perfml feedback-network` looked at last; groups of few people are withheld, and nobody is named."""
    return network(store, query, reach=reach)


@router.get(
    "/feedback-network/outside",
    summary="Who is outside the feedback network",
    responses=refusals(NotFound, ListReplaced, Invalid, Unreadable),
)
def get_outside(query: Annotated[OutsideQuery, Query()], store: AppStore, reach: Reach) -> OutsidePageAnswer:
    """People without feedback or recognition beside their manager's, for longer than chance explains."""
    return outside_people(store, query, reach=reach)


@router.get(
    "/feedback-network/teams",
    summary="How many of a team have contact beyond it",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_team_networks(query: Annotated[NetworkQuery, Query()], store: AppStore, reach: Reach) -> TeamNetworksAnswer:
    """Teams whose people one may see, all of them; small ones are withheld."""
    return team_networks(store, query, reach=reach)
