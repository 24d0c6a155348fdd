"""Disputes of facts: filed by or for an employee, decided by somebody outside their line."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated
from urllib.parse import quote

from fastapi.responses import Response
from pydantic import Field

from perfml.advice.dispute_outcome import DisputeOutcome, dispute_outcome
from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.scoring.people.known import unknown_people
from perfml.scoring.withheld.withholding import kept_units
from perfml.service.answers.shared import Answer, RequiredText, ServiceQuery
from perfml.service.answers.trust.holds import refused, today
from perfml.service.answers.trust.signed import SignedByPerson
from perfml.service.problems import NotFound, unknown_person
from perfml.service.store import Store
from perfml.trust.audit.seeing import record_seen
from perfml.trust.disputes.dispute import Dispute, DisputeState, DisputeVerdict
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.disputes.proofs import HandedIn, read_proof
from perfml.trust.disputes.verbs import file_dispute

MOST_CHARACTERS = 8_000_000
"""Of a proof in base64."""


class ProofAnswer(Answer):
    """A file that was handed in."""

    sha256: str
    name: str
    kind: str
    """What its content is: pdf, png, jpeg, txt or csv."""
    size: int
    """Bytes."""


class JudgementAnswer(Answer):
    """What one person decided, and why."""

    verdict: DisputeVerdict
    by: str
    reason: str
    on: dt.date


class DisputeAnswer(Answer):
    """One disputed fact. It is used nowhere while the dispute is open."""

    dispute_id: str
    employee_id: str
    table: str
    key: str
    state: DisputeState
    right: Mapping[str, str]
    """Column and value that is right; empty where the row should not exist."""
    filed_by: str
    filed_on: dt.date
    due_on: dt.date
    """To be decided by."""
    proof: ProofAnswer | None
    decision: JudgementAnswer | None
    reviews: tuple[JudgementAnswer, ...]
    """What second reviewers would have decided."""

    @classmethod
    def of(cls, dispute: Dispute) -> DisputeAnswer:
        """From a dispute."""
        return cls.model_validate(asdict(dispute) | {"state": dispute.state})


class DisputesAnswer(Answer):
    """Disputes, oldest first."""

    disputes: tuple[DisputeAnswer, ...]


class DisputesQuery(ServiceQuery):
    """Whose disputes."""

    employee_id: str | None = None
    """Everyone's when absent."""


class ProofBody(ServiceQuery):
    """A PDF, PNG, JPEG, text or CSV file."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    content_base64: Annotated[str, Field(max_length=MOST_CHARACTERS)]


class DisputeBody(ServiceQuery):
    """Which row, and what is right."""

    table: RequiredText
    key: RequiredText
    """As ``perfml check`` prints keys."""
    right: Mapping[str, Annotated[str, Field(max_length=2_000)]] = {}
    filed_by: SignedByPerson = ""
    proof: ProofBody | None = None


class JudgementBody(ServiceQuery):
    """A verdict with its reason, by an employee id outside the person's line."""

    verdict: DisputeVerdict
    by: SignedByPerson = ""
    reason: RequiredText


def disputes_of(store: Store, query: DisputesQuery) -> DisputesAnswer:
    """Return disputes."""
    return DisputesAnswer(disputes=tuple(map(DisputeAnswer.of, _log(store).disputes(query.employee_id))))


def one_dispute(store: Store, dispute_id: str) -> DisputeOutcome:
    """Return a dispute with what was before and after. Raises :class:`NotFound`."""
    return dispute_outcome(store.home, _dispute(store, dispute_id))


def file_one(store: Store, employee_id: str, body: DisputeBody, *, key: str) -> DisputeAnswer:
    """Withhold a fact from now on.

    Raises :class:`NotFound` for a person of whom nothing is kept, :class:`Invalid` for a table, value or proof that cannot be
    used and over the quota, :class:`KeyInUse` for a ``key`` of another entry.
    """
    if unknown_people(store.home, {employee_id}):
        raise unknown_person()
    with refused("body"):
        filed = file_dispute(
            store.home,
            store.dispute_rules,
            store.tables,
            employee_id,
            table=body.table,
            key=body.key,
            right=body.right,
            by=body.filed_by,
            on=today(),
            fact=None,
            proof=None if body.proof is None else _handed_in(body.proof),
            idempotency_key=key,
        )
    return DisputeAnswer.of(filed)


def judge(
    store: Store, dispute_id: str, body: JudgementBody, *, second: bool = False, key: str | None = None
) -> DisputeAnswer:
    """Decide a dispute or, as a ``second`` reviewer, say what one would have decided.

    Raises :class:`NotFound` for an unknown one, :class:`Invalid` for somebody who may not judge it, and where it was decided
    otherwise before.
    """
    dispute = _dispute(store, dispute_id)
    lines = [kept_units(store.home, day + dt.timedelta(days=1)) for day in (dispute.filed_on, today())]
    log = _log(store)
    with refused("body by"):
        verb = log.review if second else log.decide
        judged = verb(
            dispute_id, body.verdict, by=body.by, reason=body.reason, on=today(), lines=lines, idempotency_key=key
        )
    return DisputeAnswer.of(judged)


def proof_file(store: Store, dispute_id: str) -> Response:
    """Return the proof to be saved, never shown: no browser opens it as a page. Raises :class:`NotFound` where there is none."""
    dispute = _dispute(store, dispute_id)
    if dispute.proof is None:
        raise _no_dispute()
    content = read_proof(store.home, dispute.proof)
    record_seen(store.home, f"proof {dispute_id}", [dispute.employee_id])
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(dispute.proof.name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _handed_in(body: ProofBody) -> HandedIn:
    try:
        return HandedIn(name=body.name, content=base64.b64decode(body.content_base64, validate=True))
    except ValueError as error:  # also what is not ASCII
        raise PerfmlError("is no base64", where="body proof.content_base64", remedy="encode the file") from error


def _dispute(store: Store, dispute_id: str) -> Dispute:
    dispute = next((each for each in _log(store).disputes() if each.dispute_id == dispute_id), None)
    if dispute is None:
        raise _no_dispute()
    return dispute


def _log(store: Store) -> DisputeLog:
    return DisputeLog(store.home, store.dispute_rules)


def _no_dispute() -> NotFound:
    return NotFound(Message.of("service_no_dispute"), where="dispute_id", remedy=Message.of("service_see_disputes"))
