"""The addresses under /v1. Each only translates: what it answers is said by the function it calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

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
