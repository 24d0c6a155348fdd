"""Putting a version of a model in force: asked for by one account, approved or refused by another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

from perfml.errors import DiskFull, ModelError
from perfml.learning.registry.artifacts import CHAMPION, pointed
from perfml.learning.registry.mlflow_tracking import queue_promotion
from perfml.learning.registry.promotion_log import Promotion, promotions
from perfml.learning.registry.promotion_requests import PromotionRequest, RequestState, ask, decide, requests_of
from perfml.messages import Message
from perfml.service.answers.operation.runs import require_run
from perfml.service.answers.shared import Answer, PageAnswer, PageCursor, PageLimit, RequiredText, ServiceQuery
from perfml.service.answers.trust.signed import SignedByAccount
from perfml.service.paging import ListVersion
from perfml.service.problems import Invalid, NotFound, key_in_use
from perfml.service.store import Store
from perfml.store.opening import StoreError
from perfml.store.record_store import KeyTaken

Entry = TypeVar("Entry")
_LAST = 2**40
"""Requests and promotions are numbered down from here, so that numbers rise along a list with the newest first, and stay."""


class PromotionAnswer(Answer):
    """A version that was put in force."""

    model: str
    version: str
    approver: str
    reason: str
    at: dt.datetime
    before: str | None
    """The version it replaced; null for the first one."""

    @classmethod
    def of(cls, promotion: Promotion) -> PromotionAnswer:
        """From the log."""
        return cls(
            model=promotion.model,
            version=promotion.version,
            approver=promotion.approver,
            reason=promotion.reason,
            at=_moment(promotion.at),
            before=promotion.before,
        )


class PromotionsAnswer(PageAnswer):
    """One page of what was put in force, the newest first: the first is in force now."""

    promotions: tuple[PromotionAnswer, ...]


class RequestDecisionAnswer(Answer):
    """What became of a request."""

    approved: bool
    by: str
    reason: str
    at: dt.datetime


class PromotionRequestAnswer(Answer):
    """A version that somebody asks to be put in force."""

    request_id: str
    model: str
    version: str
    state: RequestState
    by: str
    """Who asks."""
    reason: str
    at: dt.datetime
    decision: RequestDecisionAnswer | None
    """By another account, or by the same where the project asks for no other; null while it waits."""

    @classmethod
    def of(cls, request: PromotionRequest) -> PromotionRequestAnswer:
        """From the request."""
        decision = request.decision
        return cls(
            request_id=request.request_id,
            model=request.model,
            version=request.version,
            state=request.state,
            by=request.by,
            reason=request.reason,
            at=_moment(request.at),
            decision=None
            if decision is None
            else RequestDecisionAnswer(
                approved=decision.approved, by=decision.by, reason=decision.reason, at=_moment(decision.at)
            ),
        )


class PromotionRequestsAnswer(PageAnswer):
    """One page of the requests, the newest first."""

    requests: tuple[PromotionRequestAnswer, ...]


class PromotionsQuery(ServiceQuery):
    """Which page."""

    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


class PromotionRequestsQuery(PromotionsQuery):
    """Which requests."""

    state: RequestState | None = None
    """Every one when absent."""


class PromotionBody(ServiceQuery):
    """Which version is to be put in force, and why."""

    version: RequiredText
    by: SignedByAccount = ""
    reason: RequiredText
    """A sentence."""


class ApprovalBody(ServiceQuery):
    """What is decided about a request, and why."""

    verdict: Literal["approve", "refuse"]
    by: SignedByAccount = ""
    reason: RequiredText
    """A sentence."""


def promotions_of(store: Store, model: str, query: PromotionsQuery) -> PromotionsAnswer:
    """Return one page of what was put in force. Raises :class:`NotFound` and :class:`ModelError`."""
    store.version(model)
    numbered = _newest_first(promotions(store.home, model))
    whole = ListVersion(address=f"/v1/models/{model}/promotions", parameters={}, version="")
    page = whole.page(numbered, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return PromotionsAnswer(
        promotions=tuple(PromotionAnswer.of(each) for _, each in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def request_list(store: Store, model: str, query: PromotionRequestsQuery) -> PromotionRequestsAnswer:
    """Return one page of the requests of a model. Raises :class:`NotFound` for an unknown model."""
    store.version(model)
    requests = _newest_first(requests_of(store.home, model))
    whole = ListVersion(address=f"/v1/models/{model}/promotion-requests", parameters={"state": query.state}, version="")
    chosen = [each for each in requests if query.state in (None, each[1].state)]
    page = whole.page(chosen, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return PromotionRequestsAnswer(
        requests=tuple(PromotionRequestAnswer.of(each) for _, each in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def one_request(store: Store, model: str, request_id: str) -> PromotionRequestAnswer:
    """Return one request. Raises :class:`NotFound` for an unknown model or request."""
    store.version(model)
    request = next((each for each in requests_of(store.home, model) if each.request_id == request_id), None)
    if request is None:
        raise NotFound(
            Message.of("service_no_promotion_request"),
            where="request_id",
            remedy=Message.of("service_see_promotion_requests"),
        )
    return PromotionRequestAnswer.of(request)


def ask_for(store: Store, model: str, body: PromotionBody, *, key: str) -> PromotionRequestAnswer:
    """Ask for a version to be put in force; where the project asks for no second account, it is put in force at once.

    Raises :class:`NotFound` for a version that is not kept, :class:`Invalid` where it fails a gate at every horizon or is in
    force, without a sentence, or while another waits, :class:`KeyInUse` for a ``key`` of another entry.
    """
    require_run(store, model, body.version)
    with _refused():
        request = ask(
            store.home,
            model,
            body.version,
            by=body.by,
            reason=body.reason,
            now=dt.datetime.now(dt.UTC),
            key=key,
            alone=not store.folder.spec.promotion.two_accounts,
        )
        _queue_approved(store, request)
    return PromotionRequestAnswer.of(request)


def judge_request(
    store: Store, model: str, request_id: str, body: ApprovalBody, *, key: str | None = None
) -> PromotionRequestAnswer:
    """Approve a request, which puts its version in force, or refuse it.

    Raises :class:`NotFound` for an unknown one, :class:`Invalid` for whoever asked for it, and where it was decided before,
    :class:`KeyInUse` for a ``key`` of another entry.
    """
    one_request(store, model, request_id)
    with _refused():
        request = decide(
            store.home,
            model,
            request_id,
            approved=body.verdict == "approve",
            by=body.by,
            reason=body.reason,
            now=dt.datetime.now(dt.UTC),
            key=key,
        )
        _queue_approved(store, request)
    return PromotionRequestAnswer.of(request)


def _queue_approved(store: Store, request: PromotionRequest) -> None:
    """Tell MLflow of a version that was put in force, unless another one was since."""
    decision = request.decision
    if decision is not None and decision.approved and pointed(store.home, request.model, CHAMPION) == request.version:
        queue_promotion(store.home, request.model, request.version, approver=decision.by, reason=request.reason)


def _newest_first(entries: Iterable[Entry]) -> list[tuple[int, Entry]]:
    return [(_LAST - number, each) for number, each in enumerate(entries)][::-1]


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


@contextmanager
def _refused() -> Iterator[None]:
    """Turn what may not be put in force into a refusal; a damaged store and a full disk stay what they are."""
    try:
        yield
    except (StoreError, DiskFull):
        raise
    except KeyTaken as error:
        raise key_in_use() from error
    except ModelError as error:
        problem, remedy = (error.notice.values[part] for part in ("problem", "remedy"))
        raise Invalid(
            problem if isinstance(problem, Message) else Message.of("as_worded", text=str(problem)),
            where=error.where,
            remedy=remedy if isinstance(remedy, Message) else Message.of("as_worded", text=str(remedy)),
        ) from error
