"""Changes for many: what the model predicts, and what is known of their effect."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.work.policies import PoliciesAnswer, PoliciesQuery, policies
from perfml.service.problems import Invalid, NotFound, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, OfGroups, subject_router

router = subject_router("lists")


@router.get(
    "/what-if/policies",
    summary="What a change for many would do, and what it did",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_policies(query: Annotated[PoliciesQuery, Query()], store: AppStore) -> PoliciesAnswer:
    """What `perfml what-if --policy` computed last: expected numbers with and without it, by department, a prediction; beside it
    effects, where chance or a staggered start allows them. Departments of few people are withheld."""
    return policies(store, query)
