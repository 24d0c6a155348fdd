"""What processes owe: to whom, and as sums."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.work.process_debt import (
    DebtsAnswer,
    DebtsQuery,
    UnitDebtsAnswer,
    UnitDebtsQuery,
    debts,
    unit_debts,
)
from perfml.service.problems import Invalid, ListReplaced, NotFound, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, OfGroups, Reach, subject_router

router = subject_router("goals")


@router.get(
    "/process-debt",
    summary="What is owed to people, to whoever can mend it",
    responses=refusals(NotFound, ListReplaced, Invalid, Unreadable),
)
def get_process_debt(query: Annotated[DebtsQuery, Query()], store: AppStore, reach: Reach) -> DebtsAnswer:
    """Feedback, a word about a goal, rest or a review that is owed, the longest first; no figure of a risk."""
    return debts(store, query, reach=reach)


@router.get(
    "/process-debt/units",
    summary="Owed by unit, with its share of the predicted risk",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_unit_process_debt(query: Annotated[UnitDebtsQuery, Query()], store: AppStore, reach: Reach) -> UnitDebtsAnswer:
    """People, days and hours by process and unit; units of few people are withheld."""
    return unit_debts(store, query, reach=reach)
