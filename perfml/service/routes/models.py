"""Models, and whether the service is sound."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.checks.drift import DriftAnswer, model_drift
from perfml.service.answers.checks.fairness import ModelFairnessAnswer, model_fairness
from perfml.service.answers.checks.scores import PseudonymousQuery, PseudonymousScoresAnswer, pseudonymous_scores
from perfml.service.answers.models import (
    CardAnswer,
    HealthAnswer,
    ModelAnswer,
    ModelsAnswer,
    all_models,
    health,
    model_card,
    one_model,
)
from perfml.service.problems import Invalid, ListReplaced, NotFound, OverBudget, Unreadable, refusals
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


@router.get(
    "/models/{model}/card",
    summary="What a model is for, and what it is not",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_model_card(model: ModelName, store: AppStore) -> CardAnswer:
    """The card of the version in use, in Markdown."""
    return model_card(store, model)


@router.get(
    "/models/{model}/fairness",
    summary="Are groups of people treated alike?",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_model_fairness(model: ModelName, store: AppStore) -> ModelFairnessAnswer:
    """The fairness audit of the back-test of the version in use. Groups of few people are withheld."""
    return model_fairness(store, model)


@router.get(
    "/models/{model}/drift",
    summary="Does a model still fit the people?",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_model_drift(model: ModelName, store: AppStore) -> DriftAnswer:
    """The newest check of `perfml drift`: evidence, scores and outcomes beside those of training."""
    return model_drift(store, model)


@router.get(
    "/models/{model}/scores",
    summary="Scores by pseudonym",
    responses=refusals(NotFound, ListReplaced, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_pseudonymous_scores(
    model: ModelName, query: Annotated[PseudonymousQuery, Query()], store: AppStore
) -> PseudonymousScoresAnswer:
    """For whoever looks after a model: everyone scored at one date by a keyed pseudonym, with neither name, id nor rank; the
    department only where enough people are in it."""
    return pseudonymous_scores(store, model, query)
