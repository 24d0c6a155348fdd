"""Models, and whether the service is sound."""

from __future__ import annotations

from perfml.service.answers.models import HealthAnswer, ModelAnswer, ModelsAnswer, all_models, health, one_model
from perfml.service.problems import Invalid, NotFound, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, ModelName, OfGroups, subject_router

router = subject_router("models")


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
