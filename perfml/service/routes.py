"""The addresses under /v1. Each only translates: what it answers is said by the function it calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request

from perfml.service.advice import course_suggestions, decide, log_intervention, priority_list, target_suggestions
from perfml.service.advice_schemas import (
    CoursesAnswer,
    CoursesQuery,
    DecisionAnswer,
    DecisionBody,
    InterventionAnswer,
    InterventionBody,
    PrioritiesAnswer,
    PrioritiesQuery,
    TargetsAnswer,
    TargetsQuery,
)
from perfml.service.lists import at_risk
from perfml.service.models import all_models, health, one_model
from perfml.service.people import person_risk
from perfml.service.problems import refusals
from perfml.service.schemas import (
    AtRiskAnswer,
    AtRiskQuery,
    HealthAnswer,
    ModelAnswer,
    ModelsAnswer,
    PersonAnswer,
    PersonQuery,
)
from perfml.service.store import Store

router = APIRouter(prefix="/v1")


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


There = Annotated[Store, Depends(_store)]
ModelName = Annotated[str, Path(description="A name of /v1/models.")]
SuggestionId = Annotated[str, Path(description="An id of a row of /v1/targets or of a person's courses.")]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Of the caller's own making, e.g. a UUID: the same entry sent again under it is stored once.",
    ),
]
KEY_IN_USE = "the idempotency key stands for another entry."
EmployeeId = Annotated[str, Path(description="The company's own id, percent-encoded; it may hold slashes.")]


@router.get("/health", responses=refusals())
def get_health(store: There) -> HealthAnswer:
    """Whether every model is sound, and how fresh its scores are."""
    return health(store)


@router.get("/models", responses=refusals(503))
def get_models(store: There) -> ModelsAnswer:
    """Every trained model."""
    return all_models(store)


@router.get("/models/{model}", responses=refusals(404, 422, 503))
def get_model(model: ModelName, store: There) -> ModelAnswer:
    """One trained model: whether it was promoted, its back-test with intervals, its gates, and its card."""
    return one_model(store, model)


@router.get("/models/{model}/at-risk", responses=refusals(404, 409, 422, 503))
def get_at_risk(model: ModelName, query: Annotated[AtRiskQuery, Query()], store: There) -> AtRiskAnswer:
    """One page of the people at one date, the highest risk first. 409, and no list, where the model is not proven."""
    return at_risk(store, model, query)


@router.get("/employees/{employee_id:path}/risk", responses=refusals(404, 422, 503))
def get_person_risk(employee_id: EmployeeId, query: Annotated[PersonQuery, Query()], store: There) -> PersonAnswer:
    """One person's scores with their reasons, or why there is no score."""
    return person_risk(store, employee_id, query)


@router.get("/employees/{employee_id:path}/courses", responses=refusals(404, 422, 503))
def get_courses(employee_id: EmployeeId, query: Annotated[CoursesQuery, Query()], store: There) -> CoursesAnswer:
    """The courses suggested for one person, each with its evidence, the first to take first."""
    return course_suggestions(store, employee_id, query)


@router.get("/targets", responses=refusals(404, 422, 503))
def get_targets(query: Annotated[TargetsQuery, Query()], store: There) -> TargetsAnswer:
    """Goals in force with the suggestion for each, or why there is none. Nothing applies by itself."""
    return target_suggestions(store, query)


@router.get("/priorities", responses=refusals(404, 422, 503))
def get_priorities(query: Annotated[PrioritiesQuery, Query()], store: There) -> PrioritiesAnswer:
    """Whom to talk to first, as far as there is capacity. A model that is not proven lists nobody, and says why."""
    return priority_list(store, query)


@router.post("/suggestions/{suggestion_id}/decisions", responses=refusals(404, 422, _409=KEY_IN_USE))
def post_decision(suggestion_id: SuggestionId, body: DecisionBody, key: Key, store: There) -> DecisionAnswer:
    """Accept or refuse a suggestion. It is remembered, and applied by nobody but people."""
    return decide(store, suggestion_id, body, key)


@router.post("/interventions", responses=refusals(422, _409=KEY_IN_USE))
def post_intervention(body: InterventionBody, key: Key, store: There) -> InterventionAnswer:
    """Log that help was offered, refused or done, or held out at random."""
    return log_intervention(store, body, key)
