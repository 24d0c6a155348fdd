"""Disputed facts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from perfml.advice.dispute_outcome import DisputeOutcome
from perfml.service.answers.trust.disputes import (
    DisputeAnswer,
    DisputeBody,
    DisputesAnswer,
    DisputesQuery,
    JudgementBody,
    disputes_of,
    file_one,
    judge,
    one_dispute,
    proof_file,
)
from perfml.service.problems import Invalid, KeyInUse, NoSpace, NotFound, refusals
from perfml.service.routes.shared import AppStore, DisputeId, EmployeeId, IdempotencyKey, OptionalKey, subject_router

router = subject_router("disputes")


@router.get("/disputes", summary="Disputed facts", responses=refusals(Invalid))
def get_disputes(query: Annotated[DisputesQuery, Query()], store: AppStore) -> DisputesAnswer:
    """Disputes with their deadlines and decisions, oldest first."""
    return disputes_of(store, query)


@router.get("/disputes/{dispute_id}", summary="One dispute, before and after", responses=refusals(NotFound, Invalid))
def get_dispute(dispute_id: DisputeId, store: AppStore) -> DisputeOutcome:
    """What the person may see: the row and the reasons of their scores, before and after."""
    return one_dispute(store, dispute_id)


@router.get("/disputes/{dispute_id}/proof", response_class=Response, include_in_schema=False)
def get_proof(dispute_id: DisputeId, store: AppStore) -> Response:
    """The file that was handed in, as an attachment: no browser shows or runs it."""
    return proof_file(store, dispute_id)


@router.post(
    "/disputes/{dispute_id}/decision",
    summary="Uphold or reject a dispute",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_dispute_decision(
    *, dispute_id: DisputeId, body: JudgementBody, key: OptionalKey = None, store: AppStore
) -> DisputeAnswer:
    """Decide a dispute, by somebody outside the person's line. The person is told."""
    return judge(store, dispute_id, body, key=key)


@router.post(
    "/disputes/{dispute_id}/reviews",
    summary="What a second reviewer says",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_dispute_review(
    *, dispute_id: DisputeId, body: JudgementBody, key: OptionalKey = None, store: AppStore
) -> DisputeAnswer:
    """Say what you would have decided. It changes nothing; agreement is measured."""
    return judge(store, dispute_id, body, second=True, key=key)


@router.post(
    "/employees/{employee_id:path}/disputes",
    summary="Dispute a fact about a person",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_dispute(*, employee_id: EmployeeId, body: DisputeBody, key: IdempotencyKey, store: AppStore) -> DisputeAnswer:
    """Dispute a row about a person: it is used nowhere from now on, until somebody else decides."""
    return file_one(store, employee_id, body, key=key)
