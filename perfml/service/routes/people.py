"""One person."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from perfml.advice.person import PersonForHr, SharedPerson
from perfml.service.answers.bundle import BundleQuery, bundle
from perfml.service.answers.courses import CoursesAnswer, CoursesQuery, course_suggestions
from perfml.service.answers.of_person.what_if import WhatIfAnswer, WhatIfBody, what_if
from perfml.service.answers.people import PersonAnswer, PersonQuery, VoicedPersonAnswer, person_risk_json
from perfml.service.problems import Invalid, NotFound, Unreadable, refusals
from perfml.service.routes.shared import AppStore, EmployeeId, subject_router
from perfml.service.texts import TextResponse

router = subject_router("people")


@router.get(
    "/employees/{employee_id:path}/risk",
    summary="One person's scores and reasons",
    response_model=PersonAnswer | VoicedPersonAnswer,
    responses=refusals(NotFound, Invalid, Unreadable),
)
async def get_person_risk(employee_id: EmployeeId, query: Annotated[PersonQuery, Query()], store: AppStore) -> Response:
    """One person's scores with their reasons, or why there is no score; for manager and employee reasons without figures."""
    return TextResponse(person_risk_json(store, employee_id, query))


@router.get(
    "/employees/{employee_id:path}/courses",
    summary="The courses for one person's gaps",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_courses(employee_id: EmployeeId, query: Annotated[CoursesQuery, Query()], store: AppStore) -> CoursesAnswer:
    """The courses suggested for one person, each with its evidence, the first to take first."""
    return course_suggestions(store, employee_id, query)


@router.post(
    "/employees/{employee_id:path}/what-if",
    summary="What the model would predict with other evidence",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def post_what_if(employee_id: EmployeeId, body: WhatIfBody, store: AppStore) -> WhatIfAnswer:
    """The probability with up to three pieces of evidence as they are for others, and what may change how far. Nothing is stored:
    it is the model's prediction, and not the effect of a change. Somebody held is answered like somebody unknown."""
    return what_if(store, employee_id, body)


@router.get(
    "/employees/{employee_id:path}",
    summary="One person: risk, reasons, and the support that fits",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_person(
    employee_id: EmployeeId, query: Annotated[BundleQuery, Query()], store: AppStore
) -> PersonForHr | SharedPerson:
    """The newest scores with their reasons and owners, targets that should move, courses and offers; for manager and employee
    without figures of the risk and names. An id that ends in /risk or /courses has no such answer."""
    return bundle(store, employee_id, query)
