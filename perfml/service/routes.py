"""The addresses under /v1. Each only translates: the function it calls gives the answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response

from perfml.advice.dispute_outcome import DisputeOutcome
from perfml.advice.person import PersonForHr, SharedPerson
from perfml.disclosure.budget import QueryBudget
from perfml.service.answers.at_risk import AtRiskAnswer, AtRiskQuery, at_risk
from perfml.service.answers.bundle import BundleQuery, bundle
from perfml.service.answers.courses import CoursesAnswer, CoursesQuery, course_suggestions
from perfml.service.answers.decisions import (
    DecisionAnswer,
    DecisionBody,
    InterventionAnswer,
    InterventionBody,
    decide,
    log_intervention,
)
from perfml.service.answers.escalations import EscalationsAnswer, EscalationsQuery, target_escalations
from perfml.service.answers.models import HealthAnswer, ModelAnswer, ModelsAnswer, all_models, health, one_model
from perfml.service.answers.people import PersonAnswer, PersonQuery, VoicedPersonAnswer, person_risk
from perfml.service.answers.priorities import PrioritiesAnswer, PrioritiesQuery, priority_list
from perfml.service.answers.targets import TargetsAnswer, TargetsQuery, target_suggestions
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
from perfml.service.answers.trust.holds import (
    HoldAnswer,
    HoldsAnswer,
    SignOffBody,
    all_holds,
    release_hold,
    resume_everything,
    stop_everything,
)
from perfml.service.auditing import AuditedRoute
from perfml.service.problems import (
    Invalid,
    KeyInUse,
    NoSpace,
    NotFound,
    NotProven,
    OverBudget,
    Unreadable,
    over_budget,
    refusals,
)
from perfml.service.store import Store

router = APIRouter(prefix="/v1", route_class=AuditedRoute)


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _group_figures(request: Request) -> None:
    """Count a request for figures of groups: models, and lists of a department, a manager's team or a segment."""
    of_everybody = not {"department", "manager_id", "segment"} & request.query_params.keys()
    if of_everybody and request.scope["route"].path_format.endswith(("/at-risk", "/priorities")):
        return
    budget: QueryBudget = request.app.state.budget
    client = request.client.host if request.client else ""
    if not budget.spend(client, dt.datetime.now(dt.UTC).date()):
        raise over_budget(budget.queries_a_day)


OfGroups = [Depends(_group_figures)]
AppStore = Annotated[Store, Depends(_store)]
ModelName = Annotated[str, Path(description="A name of /v1/models.")]
SuggestionId = Annotated[
    str, Path(description="An id of a row of /v1/targets, of /v1/escalations or of a person's courses.")
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Chosen by the caller, e.g. a UUID: the same entry sent again under it is stored once.",
    ),
]
HoldId = Annotated[str, Path(description="An id of /v1/holds.")]
DisputeId = Annotated[str, Path(description="An id of /v1/disputes.")]
EmployeeId = Annotated[str, Path(description="The company's own id, percent-encoded; it may hold slashes.")]


@router.get("/health", summary="Is everything sound and fresh?", responses=refusals())
def get_health(store: AppStore) -> HealthAnswer:
    """Whether every model is sound, and how fresh its scores are."""
    return health(store)


@router.get("/models", summary="Every trained model", responses=refusals(OverBudget, Unreadable), dependencies=OfGroups)
def get_models(store: AppStore) -> ModelsAnswer:
    """Every trained model."""
    return all_models(store)


@router.get(
    "/models/{model}",
    summary="One model: back-test, gates and card",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_model(model: ModelName, store: AppStore) -> ModelAnswer:
    """One trained model: whether it was promoted, its back-test with intervals, its gates, and its card."""
    return one_model(store, model)


@router.get(
    "/models/{model}/at-risk",
    summary="The people at risk, the highest risk first",
    responses=refusals(NotFound, NotProven, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_at_risk(model: ModelName, query: Annotated[AtRiskQuery, Query()], store: AppStore) -> AtRiskAnswer:
    """One page of the people at one date, the highest risk first. 409, and no list, where the model is not proven."""
    return at_risk(store, model, query)


@router.get(
    "/employees/{employee_id:path}/risk",
    summary="One person's scores and reasons",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_person_risk(
    employee_id: EmployeeId, query: Annotated[PersonQuery, Query()], store: AppStore
) -> PersonAnswer | VoicedPersonAnswer:
    """One person's scores with their reasons, or why there is no score; for manager and employee reasons without figures."""
    return person_risk(store, employee_id, query)


@router.get(
    "/employees/{employee_id:path}/courses",
    summary="The courses for one person's gaps",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_courses(employee_id: EmployeeId, query: Annotated[CoursesQuery, Query()], store: AppStore) -> CoursesAnswer:
    """The courses suggested for one person, each with its evidence, the first to take first."""
    return course_suggestions(store, employee_id, query)


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


@router.get(
    "/targets",
    summary="Goals in force, with a suggestion or why there is none",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_targets(query: Annotated[TargetsQuery, Query()], store: AppStore) -> TargetsAnswer:
    """Goals in force with the suggestion for each, or why there is none. No suggestion takes effect by itself."""
    return target_suggestions(store, query)


@router.get(
    "/escalations",
    summary="Shocks beyond the target policy, as cases to decide",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_escalations(query: Annotated[EscalationsQuery, Query()], store: AppStore) -> EscalationsAnswer:
    """Shocks beyond the target policy, one case for each metric and place, with the figures and who may decide."""
    return target_escalations(store, query)


@router.get(
    "/priorities",
    summary="Whom to talk to first",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_priorities(query: Annotated[PrioritiesQuery, Query()], store: AppStore) -> PrioritiesAnswer:
    """The people to talk to first, as far as capacity allows. A model that is not proven lists nobody, and says why."""
    return priority_list(store, query)


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


@router.get("/holds", summary="What is held, why and since when", responses=refusals())
def get_holds(store: AppStore) -> HoldsAnswer:
    """The holds in force. Whoever is held is in no ranking; the last good score is shown as stale."""
    return all_holds(store)


@router.post("/holds/{hold_id}/release", summary="Lift a hold", responses=refusals(Invalid, NoSpace))
def post_release(hold_id: HoldId, body: SignOffBody, store: AppStore) -> HoldAnswer:
    """Lift a hold, signed off by a person. Refused before two clean days, with the days seen."""
    return release_hold(store, hold_id, body)


@router.post("/stop", summary="Hold everything at once", responses=refusals(Invalid, NoSpace))
def post_stop(body: SignOffBody, store: AppStore) -> HoldAnswer:
    """From the next request on no score, list, target or course is shown, until somebody resumes."""
    return stop_everything(store, body)


@router.post("/resume", summary="Lift the stop", responses=refusals(Invalid, NoSpace))
def post_resume(body: SignOffBody, store: AppStore) -> HoldAnswer:
    """Lift the stop, signed off by a person."""
    return resume_everything(store, body)


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
    responses=refusals(NotFound, Invalid, NoSpace),
)
def post_dispute_decision(dispute_id: DisputeId, body: JudgementBody, store: AppStore) -> DisputeAnswer:
    """Decide a dispute, by somebody outside the person's line. The person is told."""
    return judge(store, dispute_id, body)


@router.post(
    "/disputes/{dispute_id}/reviews",
    summary="What a second reviewer says",
    responses=refusals(NotFound, Invalid, NoSpace),
)
def post_dispute_review(dispute_id: DisputeId, body: JudgementBody, store: AppStore) -> DisputeAnswer:
    """Say what you would have decided. It changes nothing; agreement is measured."""
    return judge(store, dispute_id, body, second=True)


@router.post(
    "/employees/{employee_id:path}/disputes",
    summary="Dispute a fact about a person",
    responses=refusals(NotFound, KeyInUse, Invalid, NoSpace),
)
def post_dispute(*, employee_id: EmployeeId, body: DisputeBody, key: IdempotencyKey, store: AppStore) -> DisputeAnswer:
    """Dispute a row about a person: it is used nowhere from now on, until somebody else decides."""
    return file_one(store, employee_id, body, key=key)
