"""Trends: how many were scored and listed at each date, by department, and how many alerts were raised in each month.

A department whose figure would tell of one of few people is withheld, and others with it where it could be worked out from them
(:mod:`perfml.disclosure`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from perfml.disclosure.primary import Suppression, primary
from perfml.scoring.people.files import facts_of
from perfml.service.answers.shared import Answer, HorizonDays, ServiceQuery
from perfml.service.scores import ScoreFile
from perfml.service.store import Store
from perfml.trust.alerts.alert_log import read_alerts

MOST_DATES = 24
NO_DEPARTMENT = ""


class DepartmentTrendAnswer(Answer):
    """One department at one date; null where it is withheld."""

    department: str
    scored: int | None
    listed: int | None
    """In the band ``act``."""
    withheld: Suppression | None


class DateTrendAnswer(Answer):
    """One scored date."""

    as_of: dt.date
    scored: int
    listed: int
    departments: tuple[DepartmentTrendAnswer, ...]


class AlertTrendAnswer(Answer):
    """The alerts of one rule that were raised in one month; null where too few people are behind the figure."""

    month: dt.date
    """Its first day."""
    rule: str
    raised: int | None
    withheld: Suppression | None


class TrendsAnswer(Answer):
    """What changed over the dates that were scored."""

    model: str
    horizon_days: int
    dates: tuple[DateTrendAnswer, ...]
    """The oldest first."""
    alerts: tuple[AlertTrendAnswer, ...]


class TrendsQuery(ServiceQuery):
    """Which model, and how far back."""

    model: str = "attrition"
    horizon_days: HorizonDays | None = None
    """The shortest horizon when absent."""
    dates: Annotated[int, Field(ge=1, le=MOST_DATES)] = 12
    """The newest scored dates."""


def trends(store: Store, query: TrendsQuery) -> TrendsAnswer:
    """Count the people of the newest dates. Raises :class:`NotFound` for an unknown model, or one without scores."""
    newest, file = store.scores(query.model)
    days = file.horizon(query.horizon_days, model=query.model).days
    dates = store.scored(query.model)[: query.dates]
    files = ((day, file if day == newest else store.scores(query.model, day)[1]) for day in dates)
    points = [
        _at(store, day, each, days=days, model=query.model)
        for day, each in files
        if days in each.column("horizon_days")
    ]
    return TrendsAnswer(
        model=query.model, horizon_days=days, dates=tuple(reversed(points)), alerts=tuple(_alerts(store))
    )


def _at(store: Store, day: dt.date, file: ScoreFile, *, days: int, model: str) -> DateTrendAnswer:
    horizon = file.horizon(days, model=model)
    ids, statuses, bands = file.columns(["employee_id", "status", "band"], slice(None))
    rows = [row for row in horizon.rows if statuses[row] == "scored"]
    facts = store.people(day)
    units = np.array([facts_of(facts, str(ids[row])).department or NO_DEPARTMENT for row in rows], dtype=object)
    listed = np.array([bands[row] == "act" for row in rows], dtype=bool)
    names = sorted(set(units))
    member = np.array([units == name for name in names], dtype=bool).reshape(len(names), len(rows))
    causes = _withheld(store, member, listed, [str(ids[row]) for row in rows])
    return DateTrendAnswer(
        as_of=day,
        scored=len(rows),
        listed=int(listed.sum()),
        departments=tuple(
            DepartmentTrendAnswer(
                department=name,
                scored=int(inside.sum()) if why is None else None,
                listed=int((inside & listed).sum()) if why is None else None,
                withheld=why,
            )
            for name, inside, why in zip(names, member, causes, strict=True)
        ),
    )


def _withheld(
    store: Store, member: np.ndarray, listed: np.ndarray, people: Sequence[str]
) -> tuple[Suppression | None, ...]:
    from perfml.disclosure.outcomes import withheld_outcomes  # it brings SciPy, which nothing else here needs

    return withheld_outcomes(
        member, label=listed.astype(np.float64), person=np.array(people, dtype=object), rules=store.disclosure
    )


def _alerts(store: Store) -> list[AlertTrendAnswer]:
    raised: dict[tuple[dt.date, str], list[str]] = {}
    for alert in read_alerts(store.home):
        raised.setdefault((alert.first.day.replace(day=1), alert.first.rule), []).append(alert.first.employee_id)
    answers = []
    for (month, rule), people in sorted(raised.items()):
        why = primary(np.ones(len(set(people))), store.disclosure)
        answers.append(AlertTrendAnswer(month=month, rule=rule, raised=None if why else len(people), withheld=why))
    return answers
