"""The goal tree, alignment and sums."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.work.goals import (
    AlignmentQuery,
    AlignmentsAnswer,
    GoalFlagsAnswer,
    GoalFlagsQuery,
    SumsAnswer,
    SumsQuery,
    TreeAnswer,
    TreeQuery,
    alignments,
    goal_flags,
    goal_paths,
    goal_sums,
)
from perfml.service.problems import Invalid, ListReplaced, NotFound, Unreadable, refusals
from perfml.service.routes.shared import AppStore, Reach, subject_router

router = subject_router("goals")


@router.get(
    "/goals/tree",
    summary="Goals in force, and which goals they serve",
    responses=refusals(NotFound, ListReplaced, Invalid, Unreadable),
)
def get_goal_tree(query: Annotated[TreeQuery, Query()], store: AppStore, reach: Reach) -> TreeAnswer:
    """Goals in force with the path of each to a company goal, or where it breaks."""
    return goal_paths(store, query, reach=reach)


@router.get(
    "/goals/alignment",
    summary="How much of people's weight reaches a company goal",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_alignment(query: Annotated[AlignmentQuery, Query()], store: AppStore, reach: Reach) -> AlignmentsAnswer:
    """The share of the weight of goals that reaches a company goal, by department, manager or person."""
    return alignments(store, query, reach=reach)


@router.get(
    "/goals/sums",
    summary="Targets and forecasts as sums",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_goal_sums(query: Annotated[SumsQuery, Query()], store: AppStore, reach: Reach) -> SumsAnswer:
    """Targets, actuals and forecasts of one metric, unit and period as sums, with the 80 % interval of the sum."""
    return goal_sums(store, query, reach=reach)


@router.get(
    "/goals/flags",
    summary="Who works on each company goal, and who is missing",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_goal_flags(query: Annotated[GoalFlagsQuery, Query()], store: AppStore) -> GoalFlagsAnswer:
    """Coverage of company goals by people and weight, and goals that several departments are needed for and only some have."""
    return goal_flags(store, query)
