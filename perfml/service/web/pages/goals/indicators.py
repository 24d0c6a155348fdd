"""Metrics of goals for HR, data scientists and auditors: which mislead, and which measure is missing. Nobody is in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from markupsafe import Markup

from perfml.goals.indicators.files import kept_indicators
from perfml.goals.indicators.record import MetricRecord
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import spread
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visit, Visitor

indicators = APIRouter(include_in_schema=False, route_class=PageRoute)
ORDER = ("misleads", "moves with", "no association", "nothing to compare", "insufficient")
TARGET = 10
"""The column of the picture that begins with the target."""


@indicators.get("/indicators")
def indicators_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What was computed last."""
    record = kept_indicators(visit.store.home)
    metrics = sorted(record.metrics, key=lambda each: ORDER.index(each.verdict)) if record else []
    return visit.page(
        "goals/indicators.html",
        record=record,
        groups=[(verdict, [each for each in metrics if each.verdict == verdict]) for verdict in ORDER],
        pictures={each.metric: _picture(visit, each) for each in metrics if each.by_tenth},
    )


def _picture(visit: Visit, metric: MetricRecord) -> Markup:
    title = visit.translate(msgid("%(metric)s: results as a share of the target"), metric=metric.metric)
    return spread(metric.by_tenth, target=TARGET, title=title, ends=("0 %", "100 %", "200 %"))
