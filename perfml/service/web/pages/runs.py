"""For data scientists and auditors: the runs of training, one with its curves, and what is asked to be put in force. Nobody is in
it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response

from perfml.learning.record import BacktestRecord, TrainingRecord
from perfml.learning.registry.promotion import unproven
from perfml.learning.registry.promotion_requests import requests_of, waiting_of
from perfml.service.answers.models import HorizonAnswer, one_version
from perfml.service.answers.operation.promotions import ApprovalBody, PromotionBody, ask_for, judge_request
from perfml.service.answers.operation.runs import one_run, runs_of
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Chart, RangeRow, ranges
from perfml.service.web.curves import Axes, CurvePoint, curve
from perfml.service.web.forms import PageQuery, WebForm, carry_out
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.models import HorizonView, approval_of, horizon_view, newest_drift
from perfml.service.web.visit import HtmlPage, Visit, Visitor

runs = APIRouter(include_in_schema=False, route_class=PageRoute)


class PromotionForm(WebForm):
    """Why a version is to be put in force."""

    reason: str = ""


class ApprovalForm(PromotionForm):
    """What is decided about a request."""

    verdict: Literal["approve", "refuse"]


@runs.get("/runs")
def run_list(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """The runs of every model, the newest first."""
    store = visit.store
    models = {model: runs_of(store, model) for model in store.models()}
    waiting = {model: waiting_of(requests_of(store.home, model)) for model in models}
    return visit.page("runs/list.html", models=models, waiting=waiting)


@runs.get("/runs/{model}/{version}")
def run_page(visit: Visitor, model: str, version: str, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """One run: data, gates, figures with intervals, curves, drift and fairness; and the way to put it in force."""
    run = one_run(visit.store, model, version)
    record = visit.store.record(model, version)
    drift = newest_drift(visit, model)
    return visit.page(
        "runs/run.html",
        run=run,
        record=record,
        horizons=[_with_curves(visit, each, record) for each in one_version(visit.store, model, version).horizons],
        drift=drift if drift is not None and drift.version == version else None,
        unproven=unproven(record),
        two_accounts=visit.store.folder.spec.promotion.two_accounts,
        approval=approval_of(visit, model),
    )


@runs.post("/runs/{model}/{version}/promotion")
def ask_promotion(visit: Visitor, model: str, version: str, form: Annotated[PromotionForm, Form()]) -> Response:
    """Ask for a version to be put in force, a newer or an earlier one."""
    two = visit.store.folder.spec.promotion.two_accounts

    def write() -> object:
        body = PromotionBody(version=version, by=visit.signer, reason=form.reason)
        return ask_for(visit.store, model, body, key=form.key)

    return carry_out(visit, form, "asked" if two else "promoted", write)


@runs.post("/models/{model}/promotions/{request_id}")
def decide_promotion(visit: Visitor, model: str, request_id: str, form: Annotated[ApprovalForm, Form()]) -> Response:
    """Approve or refuse a request of somebody else."""

    def write() -> object:
        body = ApprovalBody(verdict=form.verdict, by=visit.signer, reason=form.reason)
        return judge_request(visit.store, model, request_id, body, key=form.key)

    return carry_out(visit, form, "promoted" if form.verdict == "approve" else "refused", write)


def _with_curves(visit: Visit, answer: HorizonAnswer, record: TrainingRecord) -> HorizonView:
    tested = record.backtests[answer.horizon_days]
    view = replace(horizon_view(visit, answer, record), curves=tuple(_curves(visit, tested)), folds=tested.folds)
    return replace(view, calibration=_calibration(visit, tested)) if tested.bins else view


def _curves(visit: Visit, tested: BacktestRecord) -> Iterator[Chart]:
    if any(each.precision is not None for each in tested.lists):
        yield _lists(visit, tested)
    if any(year.expected_over_observed.value is not None for year in tested.by_year):
        yield _years(visit, tested)


def _calibration(visit: Visit, tested: BacktestRecord) -> Chart:
    points = [
        CurvePoint(
            x=each.expected,
            low=each.low,
            y=each.observed,
            high=each.high,
            cells=(f"{each.expected:.1%}", f"{each.observed:.1%}", f"{each.low:.1%} – {each.high:.1%}", f"{each.n:,}"),
        )
        for each in tested.bins
    ]
    axes = Axes(
        across=visit.translate(msgid("expected share")), up=visit.translate(msgid("observed share")), diagonal=True
    )
    return curve(
        points,
        axes,
        title=visit.translate(msgid("Calibration: what was expected, and what came (dashed: the same)")),
        heads=_heads(visit, msgid("Expected"), msgid("Observed"), msgid("Interval"), msgid("Rows")),
    )


def _lists(visit: Visit, tested: BacktestRecord) -> Chart:
    points = [
        CurvePoint(
            x=each.share,
            low=each.low if each.low is not None else each.precision,
            y=each.precision,
            high=each.high if each.high is not None else each.precision,
            cells=(
                f"{each.share:.0%}",
                f"{each.precision:.1%}",
                "–" if each.low is None or each.high is None else f"{each.low:.1%} – {each.high:.1%}",
                f"{each.cases:,} / {each.listed:,}",
            ),
        )
        for each in tested.lists
        if each.precision is not None
    ]
    axes = Axes(
        across=visit.translate(msgid("share of people on the list")),
        up=visit.translate(msgid("true cases on the list")),
        level=tested.positives / tested.rows if tested.rows else None,
    )
    return curve(
        points,
        axes,
        title=visit.translate(msgid("Lists of each length in the back-test (dashed: a list drawn by lot)")),
        heads=_heads(
            visit, msgid("Length of the list"), msgid("True cases"), msgid("Interval"), msgid("Cases / listed")
        ),
    )


def _years(visit: Visit, tested: BacktestRecord) -> Chart:
    rows = [
        RangeRow(
            label=str(year.year),
            low=figure.value if figure.low is None else figure.low,
            value=figure.value,
            high=figure.value if figure.high is None else figure.high,
            reference=1.0,
            cells=(
                f"{figure.value:.2f}",
                "–" if figure.low is None or figure.high is None else f"{figure.low:.2f} – {figure.high:.2f}",
                f"{year.expected:.1f} / {year.observed:,}",
                f"{year.rows:,}",
            ),
        )
        for year in tested.by_year
        if (figure := year.expected_over_observed).value is not None
    ]
    return ranges(
        rows,
        title=visit.translate(msgid("Expected over observed cases by year (hollow: as many came as were expected)")),
        heads=_heads(
            visit,
            msgid("Year"),
            msgid("Expected over observed"),
            msgid("Interval"),
            msgid("Expected / observed"),
            msgid("Rows"),
        ),
    )


def _heads(visit: Visit, *texts: str) -> tuple[str, ...]:
    return tuple(visit.translate(text) for text in texts)
