"""Putting a version of a model in force: asked for by one account, approved or refused by another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from perfml.errors import DiskFull, ModelError
from perfml.learning.registry.mlflow_tracking import queue_promotion
from perfml.learning.registry.promotion import Promotion, promote
from perfml.learning.registry.promotion_requests import PromotionRequest, ask, decide
from perfml.messages import Message
from perfml.service.answers.operation.runs import require_run
from perfml.service.answers.shared import RequiredText, ServiceQuery
from perfml.service.problems import Invalid, key_in_use
from perfml.service.store import Store
from perfml.store.opening import StoreError
from perfml.store.record_store import KeyTaken


class PromotionBody(ServiceQuery):
    """Why a version is to be put in force."""

    reason: RequiredText
    """A sentence."""


class ApprovalBody(PromotionBody):
    """What is decided about a request, and why."""

    approved: bool


def ask_for(
    store: Store, model: str, version: str, body: PromotionBody, *, by: str, now: dt.datetime, key: str
) -> PromotionRequest | Promotion:
    """Ask for a version to be put in force; where the project asks for no second account, it is put in force at once.

    Raises :class:`Invalid` where it fails a gate at every horizon or is in force, without a sentence, or while another waits.
    """
    require_run(store, model, version)
    with _refused():
        if store.folder.spec.promotion.two_accounts:
            return ask(store.home, model, version, by=by, reason=body.reason, now=now, key=key)
        done = promote(store.home, model, approver=by, reason=body.reason, version=version, now=now)
        queue_promotion(store.home, model, version, approver=by, reason=done.reason)
        return done


def judge_request(
    store: Store, model: str, request_id: str, body: ApprovalBody, *, by: str, now: dt.datetime, key: str
) -> PromotionRequest:
    """Approve a request, which puts its version in force, or refuse it. Raises :class:`Invalid` for whoever asked for it."""
    store.version(model)
    with _refused():
        request = decide(
            store.home,
            model,
            request_id,
            approved=body.approved,
            by=by,
            reason=body.reason,
            now=now,
            key=key,
        )
        if body.approved:
            queue_promotion(store.home, model, request.version, approver=by, reason=request.reason)
    return request


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
