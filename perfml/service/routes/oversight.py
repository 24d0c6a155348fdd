"""Readiness, metrics, the governance checklist and the audit log."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from perfml.service.answers.checks.readiness import ReadyAnswer, ready
from perfml.service.answers.trust.oversight import (
    GovernanceAnswer,
    VerificationAnswer,
    audit_verification,
    governance_checklist,
)
from perfml.service.problems import NotReady, Unreadable, refusals
from perfml.service.routes.shared import AppStore, subject_router
from perfml.service.serving.metrics import CONTENT_TYPE, ServiceMetrics

router = subject_router("oversight")
probe = APIRouter(prefix="/v1", tags=["oversight"], generate_unique_id_function=lambda route: route.name)
"""Without admission: whoever restarts a process that cannot answer has no account."""


@probe.get("/ready", summary="Can it answer?", responses=refusals(NotReady))
def get_ready(store: AppStore) -> ReadyAnswer:
    """200 where the store can be reached and the newest scores verify, else 503. It says nothing else, to anybody."""
    return ready(store)


@router.get(
    "/metrics",
    summary="Figures of the running service for Prometheus",
    response_class=PlainTextResponse,
    responses=refusals(),
)
def get_metrics(request: Request, store: AppStore) -> Response:
    """Requests by address, method and status, their duration, answers kept, the age of scores, reads waiting to be recorded. No
    id stands in them."""
    metrics: ServiceMetrics = request.app.state.metrics
    return Response(metrics.text(store), media_type=CONTENT_TYPE)


@router.get("/governance", summary="May we use it? The checklist", responses=refusals(Unreadable))
def get_governance(store: AppStore) -> GovernanceAnswer:
    """The checklist for a works council, judged on the state of the system now. It names nobody."""
    return governance_checklist(store)


@router.get("/audit/verification", summary="Is the audit log whole?", responses=refusals())
def get_audit_verification(store: AppStore) -> VerificationAnswer:
    """The audit log compared with its hashes, its signed checkpoints and the entries of the store."""
    return audit_verification(store)
