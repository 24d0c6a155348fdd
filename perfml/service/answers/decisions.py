"""What people decide about suggestions, and the help they offer, as it is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from perfml.advice.decision_log import (
    Decision,
    DecisionLog,
    DecisionVerdict,
    EntryError,
    Intervention,
    InterventionStatus,
)
from perfml.advice.suggestion_files import find_suggestion
from perfml.scoring.people.known import unknown_people
from perfml.service.answers.shared import Answer, IsoDate, RequiredText, ServiceQuery
from perfml.service.answers.trust.signed import EnteredBy, SignedByAccount
from perfml.service.problems import Invalid, key_in_use, no_suggestion, unknown_person
from perfml.service.store import Store
from perfml.store.record_store import KeyTaken

OptionalText = Annotated[str, Field(max_length=2_000)]


class DecisionAnswer(Answer):
    """What somebody decided about a suggestion."""

    suggestion_id: str
    verdict: DecisionVerdict
    reason: str
    decided_by: str
    entered_at: dt.datetime


class InterventionAnswer(Answer):
    """An intervention as it was stored."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: InterventionStatus | None
    done_on: dt.date | None
    outcome: str
    random: bool
    hold_out: bool
    entered_by: str
    entered_at: dt.datetime


class AcceptBody(ServiceQuery):
    """A suggestion that is accepted."""

    verdict: Literal["accept"]
    decided_by: SignedByAccount = ""
    reason: OptionalText = ""


class RefuseBody(ServiceQuery):
    """A suggestion that is refused, and why."""

    verdict: Literal["refuse"]
    decided_by: SignedByAccount = ""
    reason: RequiredText


DecisionBody = Annotated[AcceptBody | RefuseBody, Field(discriminator="verdict")]
"""What was decided. A refusal needs a reason."""


class InterventionBody(ServiceQuery):
    """Help that was offered, refused or done; or withheld at random (``hold_out``)."""

    employee_id: RequiredText
    kind: RequiredText
    offered_on: IsoDate
    status: InterventionStatus | None = None
    """Empty for a person who was held out."""
    done_on: IsoDate | None = None
    outcome: OptionalText = ""
    random: bool = False
    """Whether chance decided between offering and holding out."""
    hold_out: bool = False
    entered_by: EnteredBy = ""


def decide(store: Store, suggestion_id: str, body: AcceptBody | RefuseBody, *, key: str) -> DecisionAnswer:
    """Store a decision.

    Raises :class:`NotFound` for a suggestion that nobody made, :class:`KeyInUse` for a ``key`` of another entry.
    """
    if find_suggestion(store.home, suggestion_id) is None:
        raise no_suggestion()
    with _refused_entries():
        stored = DecisionLog(store.home).decide(Decision(suggestion_id=suggestion_id, **body.model_dump()), key=key)
    return DecisionAnswer(**asdict(stored))


def log_intervention(store: Store, body: InterventionBody, *, key: str) -> InterventionAnswer:
    """Store an intervention.

    Raises :class:`NotFound` for a person of whom nothing is kept, :class:`Invalid` where it contradicts itself,
    :class:`KeyInUse` for a ``key`` of another entry.
    """
    if unknown_people(store.home, {body.employee_id}):
        raise unknown_person()
    with _refused_entries():
        (stored,) = DecisionLog(store.home).log([Intervention(**body.model_dump())], key=key)
    return InterventionAnswer(**asdict(stored))


@contextmanager
def _refused_entries() -> Iterator[None]:
    """Turn the errors of the decision log into refusals."""
    try:
        yield
    except KeyTaken as error:
        raise key_in_use() from error
    except EntryError as error:
        problem, remedy = error.messages
        raise Invalid(problem, where=f"body {error.field}", remedy=remedy) from error
