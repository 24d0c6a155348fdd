"""Runs of training."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from perfml.service.answers.operation.runs import RunAnswer, RunsAnswer, RunsQuery, run_details, run_list
from perfml.service.problems import Invalid, ListReplaced, NotFound, OverBudget, Unreadable, refusals
from perfml.service.routes.shared import AppStore, ModelName, OfGroups, subject_router

router = subject_router("models")


@router.get(
    "/models/{model}/runs",
    summary="The runs of training of a model",
    responses=refusals(NotFound, ListReplaced, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_runs(model: ModelName, query: Annotated[RunsQuery, Query()], store: AppStore) -> RunsAnswer:
    """Every version that is kept, the newest first: its state, its back-test in short, and what of it cannot be read."""
    return run_list(store, model, query)


@router.get(
    "/models/{model}/runs/{version}",
    summary="One run: data, gates, figures and fairness",
    responses=refusals(NotFound, Invalid, OverBudget, Unreadable),
    dependencies=OfGroups,
)
def get_run(
    model: ModelName,
    version: Annotated[str, Path(description="A version of /v1/models/{model}/runs.")],
    store: AppStore,
) -> RunAnswer:
    """What a version was trained on, its back-test with intervals, gates and fairness, and whether it can be put in force."""
    return run_details(store, model, version)
