"""What can be said about a person beside the score. The asker reads as what they are to the person."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from perfml.advice.talks.brief import OneToOneBrief
from perfml.advice.talks.card import DevelopmentCard
from perfml.outgoing.facts.own import OwnEligibility
from perfml.scoring.personal.behind import RowsBehind
from perfml.scoring.personal.peers import PeerFigures
from perfml.scoring.personal.record import PersonalRecord
from perfml.scoring.personal.standing import RecordReading
from perfml.service.access.admission import Admission
from perfml.service.answers.personal import (
    BehindQuery,
    DateQuery,
    PreparedQuery,
    ReaderQuery,
    behind_of,
    brief_of,
    card_of,
    eligibility_of,
    peers_of,
    record_of,
)
from perfml.service.problems import Invalid, NotFound, Unreadable, refusals
from perfml.service.routes.shared import AppStore, EmployeeId, subject_router

router = subject_router("personal")


def _reading(request: Request, employee_id: EmployeeId) -> RecordReading:
    admission: Admission = request.app.state.admission
    return admission.reading(request, employee_id)


AskerReading = Annotated[RecordReading, Depends(_reading)]


@router.get(
    "/employees/{employee_id:path}/record",
    summary="What is held about one person",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_record(
    *, employee_id: EmployeeId, query: Annotated[ReaderQuery, Query()], store: AppStore, reading: AskerReading
) -> PersonalRecord:
    """The person's rows of every table as known before a date, newest first, without facts in dispute. Only HR sees other people
    in them, such as who gave feedback."""
    return record_of(store, employee_id, query, reading=reading)


@router.get(
    "/employees/{employee_id:path}/rows-behind",
    summary="The rows behind one reason",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_rows_behind(
    *, employee_id: EmployeeId, query: Annotated[BehindQuery, Query()], store: AppStore, reading: AskerReading
) -> RowsBehind:
    """The person's rows that the first column of a reason was computed from."""
    return behind_of(store, employee_id, query, reading=reading)


@router.get(
    "/employees/{employee_id:path}/peers",
    summary="One person beside others",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_peers(
    *, employee_id: EmployeeId, query: Annotated[ReaderQuery, Query()], store: AppStore, reading: AskerReading
) -> PeerFigures:
    """The person's own figures beside the mean of at least five others, where nobody's own value can be worked out of it."""
    return peers_of(store, employee_id, query, reading=reading)


@router.get(
    "/employees/{employee_id:path}/brief",
    summary="What a one-to-one with a person is prepared with",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_brief(employee_id: EmployeeId, query: Annotated[DateQuery, Query()], store: AppStore) -> OneToOneBrief:
    """Goals, success factors, wishes for development, three questions, and what is the manager's to mend; each line with the rows
    that it comes from, and no probability."""
    return brief_of(store, employee_id, query)


@router.get(
    "/employees/{employee_id:path}/development-card",
    summary="The development card of a person",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_development_card(
    employee_id: EmployeeId, query: Annotated[DateQuery, Query()], store: AppStore
) -> DevelopmentCard:
    """The last two reviews, strengths, gaps with the words they come from, projects and courses; each line with its row."""
    return card_of(store, employee_id, query)


@router.get(
    "/employees/{employee_id:path}/eligibility",
    summary="Which internal openings a person is eligible for",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_eligibility(
    employee_id: EmployeeId, query: Annotated[PreparedQuery, Query()], store: AppStore
) -> OwnEligibility:
    """Eligible, or not yet and why, for each opening that the person asked to be considered for: facts of the record, for the
    person and HR, and nothing that a model said."""
    return eligibility_of(store, employee_id, query)
