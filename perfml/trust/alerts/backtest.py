"""What the rules would have been worth: looks at past dates whose outcomes have matured, compared with what came.

An alert is right where the outcome of its rule came within the horizon. Lead time is counted for each outcome from the first
alert within the horizon before it. Intervals resample people (Field & Welsh 2007). Holds of today are not looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.errors import DataError, ModelError
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.learning.dataset.folds import as_of_dates
from perfml.learning.dataset.labels import LABEL_TABLES, labels
from perfml.learning.dataset.outcome_days import outcome_days
from perfml.learning.in_people import lead_at
from perfml.learning.record import LeadFigures, LeadRecord
from perfml.learning.registry.artifacts import current_version, read_record
from perfml.learning.validation.lead import LOOK_BACK_DAYS, lead_days, lead_estimates, lead_figures
from perfml.learning.validation.metrics import Estimate, estimate, quotient, weighted_mean
from perfml.messages import Bilingual, Message, both
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.model_spec import Label
from perfml.project.spec import Every
from perfml.project.trust.alert_spec import AlertOutcome, AlertRule, AlertsSpec
from perfml.trust.alerts.alert import Sighting
from perfml.trust.alerts.folding import stretches
from perfml.trust.alerts.looking import Seen, looks, see

WARM_UP_DAYS = 91
"""Days of the record before the first look, so that its windows are filled."""
DAYS_OF_MONTH = 365.25 / 12
LEAST_ALERTS = 10
"""Judged alerts below which their precision is insufficient."""


@dataclass(frozen=True, kw_only=True)
class RuleBacktest:
    """What one rule would have been worth."""

    rule: str
    title: Bilingual
    alerts: int = 0
    """Alerts at all dates looked at."""
    per_100_a_month: float | None = None
    """Alerts for each 100 people employed and month."""
    outcome: str | None = None
    """The model whose outcome is looked for."""
    horizon_days: int | None = None
    judged: int = 0
    """Person and day of alerts with a known outcome."""
    precision: Estimate | None = None
    """Share of them whose outcome came."""
    base_rate: Estimate | None = None
    """The same share over all dates and everyone whom the rule is for; of reports, over everyone with a manager."""
    lift: Estimate | None = None
    """The first over the second; 1 is chance."""
    outcomes: int = 0
    """Outcomes that came."""
    spoken: Estimate | None = None
    """Share of them with an alert within the horizon before."""
    lead_days: Estimate | None = None
    """Median days from the first of these alerts to the outcome."""
    load: float | None = None
    """People named at a date, as a share of those employed."""
    early: LeadFigures | None = None
    """How early, by the definition of lists: before every outcome since the first look, a year back."""
    list_at_load: LeadRecord | None = None
    """The lists of the model in use nearest to that load in its own back-test."""
    insufficient: Message | None = None
    """Why there are no figures, or no precision."""

    def to_json(self) -> JsonObject:
        """As JSON."""
        parts: JsonObject = {
            name: value.to_json() if isinstance(value, Estimate | LeadFigures | LeadRecord) else value
            for name, value in vars(self).items()
            if name not in ("title", "insufficient")
        }
        parts["title"] = self.title.model_dump()
        parts["insufficient"] = None if self.insufficient is None else both(self.insufficient)
        return parts


@dataclass(frozen=True, kw_only=True)
class AlertsBacktest:
    """The back-test of every rule in use."""

    first: dt.date
    last: dt.date
    """First and last date looked at."""
    looks: int
    rules: tuple[RuleBacktest, ...]

    def to_json(self) -> JsonObject:
        """As JSON."""
        return {
            "first": str(self.first),
            "last": str(self.last),
            "looks": self.looks,
            "rules": [rule.to_json() for rule in self.rules],
        }


def backtest(
    data: Data,
    folder: ProjectFolder,
    spec: AlertsSpec,
    *,
    until: dt.date,
    every: Every,
    policy: str,
    progress: Progress = SILENT,
) -> AlertsBacktest:
    """Look at every past date of the record, and compare alerts with the outcomes known by ``until``.

    Raises :class:`DataError` where the record is too short for a single look.
    """
    table = "events" if data.has("events") else "reviews"
    (begin,) = data.connection.execute(f"select min(usable_day) from {table}").fetchall()[0]
    dates = as_of_dates(begin + dt.timedelta(days=WARM_UP_DAYS), until, every) if begin is not None else []
    if not dates:
        raise DataError("is too short for a look back", where=data.source, remedy="give a longer record")
    seen = see(data, folder.definitions, spec, dates, policy=policy, progress=progress)
    by_rule: dict[str, list[Sighting]] = {name: [] for name in spec.used}
    for look in looks(data, spec, seen, dates):
        by_rule[look.rule] += look.seen
    rules = []
    for number, (name, rule) in enumerate(spec.used.items()):
        progress("rules", number, len(spec.used))
        title = Bilingual(en=rule.en, zh=rule.zh)
        if name in seen.insufficient:
            rules.append(RuleBacktest(rule=name, title=title, insufficient=seen.insufficient[name]))
            continue
        alerts = first_days(by_rule[name], rule)
        rules.append(_of_rule(data, folder, name, rule, alerts, seen=seen, until=until))
    return AlertsBacktest(first=dates[0], last=dates[-1], looks=len(dates), rules=tuple(rules))


def beside_lists(tested: AlertsBacktest, home: Path) -> AlertsBacktest:
    """The same, with the lists of the models in use that are as long as each rule is loud; none where nothing is trained."""
    return replace(tested, rules=tuple(replace(rule, list_at_load=_list_at_load(rule, home)) for rule in tested.rules))


def _list_at_load(rule: RuleBacktest, home: Path) -> LeadRecord | None:
    if rule.outcome is None or rule.load is None:
        return None
    try:
        record = read_record(home, rule.outcome, current_version(home, rule.outcome))
    except ModelError:
        return None
    trained = record.backtests.get(rule.horizon_days or 0)
    return None if trained is None else lead_at(trained.lead, rule.load)


def first_days(sightings: Sequence[Sighting], rule: AlertRule) -> list[Sighting]:
    """The sightings that would have been raised: the first of each stretch, as in :func:`.folding.fold`."""
    by_person: dict[str, dict[dt.date, Sighting]] = {}
    for sighting in sightings:
        by_person.setdefault(sighting.employee_id, {})[sighting.day] = sighting
    return [days[stretch[0]] for days in by_person.values() for stretch in stretches(days, rule.cooldown_days)]


def _of_rule(
    data: Data,
    folder: ProjectFolder,
    name: str,
    rule: AlertRule,
    alerts: Sequence[Sighting],
    *,
    seen: Seen,
    until: dt.date,
) -> RuleBacktest:
    whole, outcome = seen.people.assign(judged=seen.judged[name]), rule.outcome
    step = np.diff(np.unique(whole["as_of"])).astype("timedelta64[D]").astype(float)
    months = len(whole) * (float(step.mean()) if len(step) else 7.0) / DAYS_OF_MONTH
    counted = RuleBacktest(
        rule=name,
        title=Bilingual(en=rule.en, zh=rule.zh),
        alerts=len(alerts),
        per_100_a_month=100 * len(alerts) / months,
    )
    if outcome is None:
        return counted
    label = folder.model(outcome.model).label
    if not data.has(LABEL_TABLES[label.kind]):
        return replace(counted, insufficient=Message.of("alert_no_outcome", table=LABEL_TABLES[label.kind]))
    base, named = _rows(whole, outcome), _named(alerts, whole, outcome)
    base = base.assign(
        label=labels(data, base, label, horizon_days=outcome.horizon_days, until=until),
        alerted=base.set_index(["employee_id", "as_of"]).index.isin(named).astype(float),
    )
    base = base[base["label"].notna()]
    judged = int((base["alerted"] > 0).sum())
    outcomes = _outcomes(data, base, label, outcome=outcome, until=until)
    shares = {} if base.empty else _shares(base)
    led = lead_estimates(outcomes["days"].to_numpy(np.float64), person=outcomes["employee_id"].to_numpy(object))
    enough = judged >= LEAST_ALERTS
    return replace(
        counted,
        outcome=outcome.model,
        horizon_days=outcome.horizon_days,
        judged=judged,
        precision=shares.get("precision") if enough else None,
        base_rate=shares.get("base_rate"),
        lift=shares.get("lift") if enough else None,
        outcomes=len(outcomes),
        spoken=led.get("listed"),
        lead_days=led.get("median_days"),
        load=len(named) / max(1, len(whole)),
        early=_early(data, named, label, seen=whole, until=until - dt.timedelta(days=label.reporting_delay_days)),
        insufficient=None if enough else Message.of("alert_few", judged=judged, least=LEAST_ALERTS),
    )


def _rows(whole: pd.DataFrame, outcome: AlertOutcome) -> pd.DataFrame:
    """The people and days that an alert could have been about."""
    if outcome.of == "person":
        return whole[whole["judged"]].reset_index(drop=True)
    return whole[whole["manager_id"].notna()].reset_index(drop=True)


def _named(alerts: Sequence[Sighting], whole: pd.DataFrame, outcome: AlertOutcome) -> pd.MultiIndex:
    """The people and days that ``alerts`` are about."""
    frame = pd.DataFrame(
        {"who": [each.employee_id for each in alerts], "as_of": pd.to_datetime([each.day for each in alerts])}
    )
    if outcome.of == "person":
        return pd.MultiIndex.from_arrays([frame["who"], frame["as_of"]])
    reports = whole.merge(frame, left_on=["manager_id", "as_of"], right_on=["who", "as_of"])
    return pd.MultiIndex.from_arrays([reports["employee_id"], reports["as_of"]])


def _shares(base: pd.DataFrame) -> dict[str, Estimate]:
    """Precision, base rate and their ratio, over people."""

    def share(label: Floats, alerted: Floats, weight: Floats) -> Floats:
        return weighted_mean(label, weight * alerted)

    def everyone(label: Floats, alerted: Floats, weight: Floats) -> Floats:
        return weighted_mean(label, weight)

    return estimate(
        {
            "precision": share,
            "base_rate": everyone,
            "lift": lambda label, alerted, weight: quotient(
                share(label, alerted, weight), everyone(label, alerted, weight)
            ),
        },
        base["label"].to_numpy(np.float64),
        base["alerted"].to_numpy(np.float64),
        person=base["employee_id"].to_numpy(object),
    )


def _early(data: Data, named: pd.MultiIndex, label: Label, *, seen: pd.DataFrame, until: dt.date) -> LeadFigures | None:
    """The lead of the people and days ``named`` before every outcome since the first look."""
    outcomes = outcome_days(data, label, first=seen["as_of"].min().date(), last=until, until=until)
    if outcomes.empty:
        return None
    days = lead_days(outcomes, named.to_frame(index=False, name=["employee_id", "as_of"]), within_days=LOOK_BACK_DAYS)
    return lead_figures(days, person=outcomes["employee_id"].to_numpy(object))


def _outcomes(data: Data, base: pd.DataFrame, label: Label, *, outcome: AlertOutcome, until: dt.date) -> pd.DataFrame:
    """One row for each outcome: whose, and the days from the first alert within the horizon before it; missing without one."""
    came = base[base["label"] == 1]
    if came.empty:
        return pd.DataFrame({"employee_id": [], "days": []})
    first, last = came["as_of"].min().date(), came["as_of"].max().date() + dt.timedelta(days=outcome.horizon_days)
    frame = outcome_days(data, label, first=first, last=last, until=until)
    reachable = ~np.isnan(lead_days(frame, came, within_days=outcome.horizon_days))
    frame = frame[reachable].reset_index(drop=True)
    return frame.assign(days=lead_days(frame, came[came["alerted"] > 0], within_days=outcome.horizon_days))
