"""What lies ahead: milestones, and the distance to lines."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.work.lines import LinesAnswer, LinesQuery, lines
from perfml.service.answers.work.milestones import MilestonesAnswer, MilestonesQuery, milestones
from perfml.service.problems import Invalid, ListReplaced, NotFound, Unreadable, refusals
from perfml.service.routes.shared import AppStore, Reach, subject_router

router = subject_router("goals")


@router.get(
    "/goals/milestones",
    summary="Milestones, when they will be finished, and what is late",
    responses=refusals(NotFound, ListReplaced, Invalid, Unreadable),
)
def get_milestones(query: Annotated[MilestonesQuery, Query()], store: AppStore, reach: Reach) -> MilestonesAnswer:
    """Milestones of goals in their period: forecasts with an 80 % interval, late work apart from late marking, and what waits."""
    return milestones(store, query, reach=reach)


@router.get(
    "/goals/lines",
    summary="How far people are from a line, and what it takes a week",
    responses=refusals(NotFound, ListReplaced, Invalid, Unreadable),
)
def get_lines(query: Annotated[LinesQuery, Query()], store: AppStore, reach: Reach) -> LinesAnswer:
    """Distance to declared lines, the probability of crossing them by their day, and what is needed a week."""
    return lines(store, query, reach=reach)
