"""The models for HR, data scientists and auditors: whether each may be used, and how anybody can judge it. Nobody is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from perfml.learning.record import FairnessRecord, Figure, FoldRecord, GateRecord, TrainingRecord
from perfml.learning.registry.artifacts import CANDIDATE, pointed
from perfml.learning.registry.promotion_log import Promotion, promotions
from perfml.learning.registry.promotion_requests import PromotionRequest, requests_of, waiting_of
from perfml.service.answers.checks.drift import DriftAnswer, model_drift
from perfml.service.answers.models import HorizonAnswer, all_models, one_model
from perfml.service.problems import NotFound
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Chart, RangeRow, ranges
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visit, Visitor

models = APIRouter(include_in_schema=False, route_class=PageRoute)
MEASURES = (
    (
        "auc",
        msgid("AUC"),
        msgid("How often somebody with the outcome is ranked above somebody without; 0.5 is chance."),
    ),
    (
        "average_precision",
        msgid("Average precision"),
        msgid("Mean share of true cases when the list is read from the top."),
    ),
    ("lift_at_capacity", msgid("Lift of the list"), msgid("How many times more frequent the outcome is on the list.")),
    (
        "expected_over_observed",
        msgid("Expected over observed"),
        msgid("1 where as many cases come as were expected; below 1 more come."),
    ),
    (
        "calibration_slope",
        msgid("Calibration slope"),
        msgid("1 where high and low probabilities are meant as they are."),
    ),
    ("brier", msgid("Brier score"), msgid("Mean squared error of the probabilities; lower is closer.")),
)
"""Figures of the back-test: key, name, and what it means."""


@dataclass(frozen=True, kw_only=True)
class MeasureRow:
    """One figure of the back-test, of the model and of the baseline."""

    name: str
    meaning: str
    model: Figure
    baseline: Figure | None


@dataclass(frozen=True, kw_only=True)
class HorizonView:
    """One horizon with its figures, its calibration and its fairness audit."""

    answer: HorizonAnswer
    gates: tuple[GateRecord, ...]
    measures: tuple[MeasureRow, ...]
    calibration: Chart
    fairness: FairnessRecord | None
    curves: tuple[Chart, ...] = ()
    folds: tuple[FoldRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ApprovalView:
    """What of a model was put in force by whom, what waits for approval, and what was decided, the newest first."""

    model: str
    promoted: tuple[Promotion, ...]
    waiting: PromotionRequest | None
    decided: tuple[PromotionRequest, ...]


@models.get("/models")
def model_list(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """Every trained model, and whether it may be used."""
    return visit.page("models/list.html", answer=all_models(visit.store))


@models.get("/models/{model}")
def model_page(visit: Visitor, model: str, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """One model: its gates, figures, calibration, fairness and card."""
    store = visit.store
    answer = one_model(store, model)
    record = store.record(model, answer.version)
    return visit.page(
        "models/model.html",
        answer=answer,
        horizons=[horizon_view(visit, each, record) for each in answer.horizons],
        left_out=record.left_out,
        drift=newest_drift(visit, model),
        candidate=pointed(store.home, model, CANDIDATE),
        approval=approval_of(visit, model),
    )


def approval_of(visit: Visit, model: str) -> ApprovalView:
    """What stands in ``runs/approval.html``."""
    requests = requests_of(visit.store.home, model)
    return ApprovalView(
        model=model,
        promoted=tuple(promotions(visit.store.home, model)[::-1]),
        waiting=waiting_of(requests),
        decided=tuple(each for each in requests[::-1] if each.decision is not None),
    )


def horizon_view(visit: Visit, answer: HorizonAnswer, record: TrainingRecord) -> HorizonView:
    """One horizon of a version."""
    days = answer.horizon_days
    measures = tuple(
        MeasureRow(name=name, meaning=meaning, model=answer.model[key], baseline=answer.baseline.get(key))
        for key, name, meaning in MEASURES
        if key in answer.model
    )
    chart = ranges(
        list(_bins(visit, record, days)),
        title=visit.translate(
            msgid("Observed share with its interval (filled), expected share (hollow), in ten groups")
        ),
        heads=tuple(
            visit.translate(text)
            for text in (msgid("Group"), msgid("Observed"), msgid("Interval"), msgid("Expected"), msgid("Rows"))
        ),
    )
    return HorizonView(
        answer=answer,
        gates=record.gates[days],
        measures=measures,
        calibration=chart,
        fairness=record.fairness.get(days),
    )


def newest_drift(visit: Visit, model: str) -> DriftAnswer | None:
    """The newest check; None where nobody ran one."""
    try:
        return model_drift(visit.store, model)
    except NotFound:
        return None


def _bins(visit: Visit, record: TrainingRecord, days: int) -> Iterator[RangeRow]:
    for number, each in enumerate(record.backtests[days].bins, 1):
        yield RangeRow(
            label=visit.translate(msgid("Group %(number)s"), number=number),
            low=each.low,
            value=each.observed,
            high=each.high,
            reference=each.expected,
            cells=(
                f"{each.observed:.1%}",
                f"{each.low:.1%} – {each.high:.1%}",
                f"{each.expected:.1%}",
                f"{each.n:,}",
            ),
        )
