"""What of a model is put in force: asked for by one account, decided by another."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from perfml.service.answers.operation.promotions import (
    ApprovalBody,
    PromotionBody,
    PromotionRequestAnswer,
    PromotionRequestsAnswer,
    PromotionRequestsQuery,
    PromotionsAnswer,
    PromotionsQuery,
    ask_for,
    judge_request,
    one_request,
    promotions_of,
    request_list,
)
from perfml.service.problems import Invalid, KeyInUse, NoSpace, NotFound, Unreadable, refusals
from perfml.service.routes.shared import AppStore, IdempotencyKey, ModelName, OptionalKey, subject_router

router = subject_router("models")
RequestId = Annotated[str, Path(description="An id of /v1/models/{model}/promotion-requests.")]


@router.get(
    "/models/{model}/promotions",
    summary="Which versions were put in force",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_promotions(model: ModelName, query: Annotated[PromotionsQuery, Query()], store: AppStore) -> PromotionsAnswer:
    """Who put which version in force, when and why, the newest first."""
    return promotions_of(store, model, query)


@router.get(
    "/models/{model}/promotion-requests",
    summary="Requests to put a version in force",
    responses=refusals(NotFound, Invalid),
)
def get_promotion_requests(
    model: ModelName, query: Annotated[PromotionRequestsQuery, Query()], store: AppStore
) -> PromotionRequestsAnswer:
    """The requests of a model, the newest first; ``state=waiting``: what is to be decided."""
    return request_list(store, model, query)


@router.post(
    "/models/{model}/promotion-requests",
    summary="Ask for a version to be put in force",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_promotion_request(
    *, model: ModelName, body: PromotionBody, key: IdempotencyKey, store: AppStore
) -> PromotionRequestAnswer:
    """Ask for a version, a newer or an earlier one. Another account decides; where the project asks for none, the version is in
    force at once. No gate can be waived."""
    return ask_for(store, model, body, key=key)


@router.get(
    "/models/{model}/promotion-requests/{request_id}",
    summary="One request to put a version in force",
    responses=refusals(NotFound, Invalid),
)
def get_promotion_request(model: ModelName, request_id: RequestId, store: AppStore) -> PromotionRequestAnswer:
    """Who asks for which version and why, and what became of it."""
    return one_request(store, model, request_id)


@router.post(
    "/models/{model}/promotion-requests/{request_id}/decision",
    summary="Approve or refuse a request",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_promotion_decision(
    *, model: ModelName, request_id: RequestId, body: ApprovalBody, key: OptionalKey = None, store: AppStore
) -> PromotionRequestAnswer:
    """Decide a request of another account. Approved, its version is in force with the next scoring."""
    return judge_request(store, model, request_id, body, key=key)
