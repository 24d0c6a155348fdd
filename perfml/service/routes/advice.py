"""Targets, cases beyond the policy, and what people decide and offer."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.decisions import (
    DecisionAnswer,
    DecisionBody,
    InterventionAnswer,
    InterventionBody,
    decide,
    log_intervention,
)
from perfml.service.answers.escalations import EscalationsAnswer, EscalationsQuery, target_escalations
from perfml.service.answers.targets import TargetsAnswer, TargetsQuery, target_suggestions
from perfml.service.problems import Invalid, KeyInUse, ListReplaced, NoSpace, NotFound, Unreadable, refusals
from perfml.service.routes.shared import AppStore, IdempotencyKey, Reach, SuggestionId, subject_router

router = subject_router("advice")


@router.get(
    "/targets",
    summary="Goals in force, with a suggestion or why there is none",
    responses=refusals(NotFound, ListReplaced, Invalid, Unreadable),
)
def get_targets(query: Annotated[TargetsQuery, Query()], store: AppStore, reach: Reach) -> TargetsAnswer:
    """Goals in force with the suggestion for each, or why there is none. No suggestion takes effect by itself."""
    return target_suggestions(store, query, reach=reach)


@router.get(
    "/escalations",
    summary="Shocks beyond the target policy, as cases to decide",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_escalations(query: Annotated[EscalationsQuery, Query()], store: AppStore, reach: Reach) -> EscalationsAnswer:
    """Shocks beyond the target policy, one case for each metric and place, with the figures and who may decide."""
    return target_escalations(store, query, reach=reach)


@router.post(
    "/suggestions/{suggestion_id}/decisions",
    summary="Accept or refuse a suggestion",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_decision(
    *, suggestion_id: SuggestionId, body: DecisionBody, key: IdempotencyKey, store: AppStore
) -> DecisionAnswer:
    """Accept or refuse a suggestion. The decision is stored; only people put it into effect."""
    return decide(store, suggestion_id, body, key=key)


@router.post(
    "/interventions", summary="Log help that was offered", responses=refusals(NotFound, KeyInUse, Invalid, NoSpace)
)
def post_intervention(body: InterventionBody, key: IdempotencyKey, store: AppStore) -> InterventionAnswer:
    """Log that help was offered, refused or done, or held out at random."""
    return log_intervention(store, body, key=key)
