"""What HR's people add up to: whether suggestions are used, and how lists change. Figures of few people are withheld."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from perfml.advice.decision_log import DecisionLog
from perfml.errors import DefinitionError
from perfml.project.trust.alert_spec import AlertRule, AlertsSpec
from perfml.scoring.people.raters import RaterVerdict
from perfml.service.answers.overview.adoption import adoption
from perfml.service.answers.overview.raters import RaterAnswer, RatersAnswer, RatersQuery, rater_list
from perfml.service.answers.overview.trends import DateTrendAnswer, TrendsAnswer, TrendsQuery, trends
from perfml.service.problems import NotFound
from perfml.service.routes.shared import OfGroups
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Chart, ChartRow, RangeRow, ranges, trend
from perfml.service.web.forms import Optional, PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.hr import departments_of, model_titles
from perfml.service.web.visit import HtmlPage, Visit, Visitor

overview = APIRouter(include_in_schema=False, route_class=PageRoute)
REASONS = 10
"""Of refusals, the newest."""
SHOWN = 20
"""Reviewers of a verdict in the picture, the most severe first."""
APART: tuple[RaterVerdict, ...] = ("severe", "lenient")
"""Verdicts on reviewers who rate otherwise than others do."""
POLICY_TITLES = {"course_match": msgid("Courses"), "target_adjustment": msgid("Targets")}


class TrendQuery(PageQuery):
    """Which model."""

    model: str | None = None
    """The first one when absent."""


class RatingsQuery(PageQuery):
    """Which reviewers."""

    department: Annotated[str | None, Optional] = None


@overview.get("/hr/adoption", dependencies=OfGroups)
def adoption_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """Whether suggestions are used, and how much help was offered."""
    decisions = [decided[-1] for decided in DecisionLog(visit.store.home).decisions().values()]
    refused = sorted((each for each in decisions if each.verdict == "refuse"), key=lambda each: each.entered_at)
    answer = adoption(visit.store)
    shown = any(policy.refused for policy in answer.policies)
    return visit.page(
        "hr/adoption.html",
        answer=answer,
        titles=POLICY_TITLES,
        reasons=[each.reason for each in refused[: -REASONS - 1 : -1]] if shown else [],
    )


@overview.get("/hr/trends", dependencies=OfGroups)
def trends_page(visit: Visitor, query: Annotated[TrendQuery, Query()]) -> HtmlPage:
    """How many were listed, at each date that was scored."""
    store = visit.store
    titles = model_titles(store)
    answer = _trends(visit, query.model or next(iter(titles), ""))
    return visit.page(
        "hr/trends.html",
        models=titles,
        answer=answer,
        chart=None if answer is None else _chart(visit, answer.dates),
        rules=_rules(visit),
    )


@overview.get("/hr/raters")
def raters_page(visit: Visitor, query: Annotated[RatingsQuery, Query()]) -> HtmlPage:
    """Who rates the same people otherwise than others do."""
    pages = _apart(visit, query)
    apart = [each for page in pages for each in page.raters]
    return visit.page(
        "hr/raters.html",
        people={each.employee_id for each in apart},
        answer=next(iter(pages), None),
        department=query.department,
        departments=departments_of(visit),
        apart=apart,
        more=sum(page.total for page in pages) - len(apart),
        chart=_severities(visit, apart),
    )


def _apart(visit: Visit, query: RatingsQuery) -> list[RatersAnswer]:
    """The first of those who rate otherwise than others do, by verdict; nothing where no reviewers were compared yet."""
    try:
        return [
            rater_list(
                visit.store,
                RatersQuery(department=query.department, verdict=verdict, limit=SHOWN),
                reach=visit.reach,
            )
            for verdict in APART
        ]
    except NotFound:
        return []


def _severities(visit: Visit, raters: Sequence[RaterAnswer]) -> Chart:
    return ranges(
        [
            RangeRow(
                label=each.person.name or each.employee_id,
                low=each.low,
                value=each.severity,
                high=each.high,
                reference=0.0,
                cells=(
                    f"{each.severity:+.2f}",
                    f"{each.low:+.2f} … {each.high:+.2f}",
                    f"{each.ratings:,}",
                    f"{each.people:,}",
                ),
            )
            for each in raters
            if each.severity is not None and each.low is not None and each.high is not None
        ],
        title=visit.translate(
            msgid("Points by which the same people are rated lower (right) or higher (left) than by others")
        ),
        heads=tuple(
            visit.translate(text)
            for text in (msgid("Reviewer"), msgid("Points"), msgid("Interval"), msgid("Ratings"), msgid("People rated"))
        ),
    )


def _trends(visit: Visit, model: str) -> TrendsAnswer | None:
    """None where nothing has been scored by the model yet."""
    try:
        return trends(visit.store, TrendsQuery(model=model))
    except NotFound:
        if model in visit.store.models() or not model:
            return None
        raise


def _chart(visit: Visit, dates: tuple[DateTrendAnswer, ...]) -> Chart:
    return trend(
        [ChartRow(label=str(each.as_of), value=each.listed, text=str(each.listed)) for each in dates],
        title=visit.translate(msgid("People on the list")),
        heads=(visit.translate(msgid("Scored on")), visit.translate(msgid("On the list"))),
    )


def _rules(visit: Visit) -> Mapping[str, AlertRule]:
    """The rules of alerts by name; none where the project has no rules, or several policies of them."""
    try:
        return visit.store.folder.policy_of(AlertsSpec)[1].rules
    except DefinitionError:
        return {}
