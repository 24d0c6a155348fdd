"""Metrics of goals: which mislead, and which measure is missing."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from perfml.service.answers.work.indicators import IndicatorsAnswer, IndicatorsQuery, indicator_figures
from perfml.service.problems import Invalid, NotFound, Unreadable, refusals
from perfml.service.routes.shared import AppStore, subject_router

router = subject_router("goals")


@router.get(
    "/indicators",
    summary="Which metrics of goals mislead, and which measure is missing",
    responses=refusals(NotFound, Invalid, Unreadable),
)
def get_indicators(query: Annotated[IndicatorsQuery, Query()], store: AppStore) -> IndicatorsAnswer:
    """What `perfml indicators` computed last: of metrics, and of nobody. Association, never cause."""
    return indicator_figures(store, query)
