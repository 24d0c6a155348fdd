"""What the rules would have been worth: looks at past dates whose outcomes have matured, compared with what came.

An alert is right where the outcome of its rule came within the horizon. Lead time is counted for each outcome from the first
alert within the horizon before it. Intervals resample people (Field & Welsh 2007). Holds of today are not looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.learning.dataset.folds import as_of_dates
from perfml.learning.dataset.known import known_by
from perfml.learning.dataset.labels import LABEL_TABLES, labels
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
    insufficient: Message | None = None
    """Why there are no figures, or no precision."""

    def to_json(self) -> JsonObject:
        """As JSON."""
        parts: JsonObject = {
            name: value.to_json() if isinstance(value, Estimate) else value
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
    base = _rows(whole, outcome)
    base = base.assign(
        label=labels(data, base, label, horizon_days=outcome.horizon_days, until=until),
        alerted=base.set_index(["employee_id", "as_of"]).index.isin(_told_of(alerts, whole, outcome)).astype(float),
    )
    base = base[base["label"].notna()]
    judged = int((base["alerted"] > 0).sum())
    outcomes = _leads(data, base, label, outcome=outcome, until=until)
    shares = {} if base.empty else _shares(base)
    leading = {} if outcomes.empty else _leading(outcomes)
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
        spoken=leading.get("spoken"),
        lead_days=leading.get("lead_days"),
        insufficient=None if enough else Message.of("alert_few", judged=judged, least=LEAST_ALERTS),
    )


def _rows(whole: pd.DataFrame, outcome: AlertOutcome) -> pd.DataFrame:
    """The people and days that an alert could have been about."""
    if outcome.of == "person":
        return whole[whole["judged"]].reset_index(drop=True)
    return whole[whole["manager_id"].notna()].reset_index(drop=True)


def _told_of(alerts: Sequence[Sighting], whole: pd.DataFrame, outcome: AlertOutcome) -> pd.MultiIndex:
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


def _leads(data: Data, base: pd.DataFrame, label: Label, *, outcome: AlertOutcome, until: dt.date) -> pd.DataFrame:
    """One row for each outcome: whose, and the days from the first alert within the horizon before it; missing without one."""
    if label.kind == "event":  # which event it was depends on a sum over several
        return pd.DataFrame({"employee_id": [], "days": []})
    leaving = label.kind == "exit"
    column, table = ("exited_on" if leaving else "reviewed_on"), LABEL_TABLES[label.kind]
    kinds = ", ".join(repr(kind) for kind in label.exit_kinds)
    chosen = f"t.kind in ({kinds})" if leaving else f"t.rating <= {label.low_at_most}"
    data.connection.register("judged_rows", base.loc[base["label"] == 1, ["employee_id", "as_of", "alerted"]])
    frame = data.connection.execute(
        f"select r.employee_id, t.{column} as came_on,"
        f" max(case when r.alerted > 0 then date_diff('day', r.as_of::date, t.{column}) end)::double as days"
        f" from judged_rows r join {table} t on t.employee_id = r.employee_id and {known_by(until)} and {chosen}"
        f" and t.{column} >= r.as_of::date and t.{column} < r.as_of::date + {outcome.horizon_days}"
        " group by r.employee_id, came_on order by r.employee_id, came_on"
    ).df()
    data.connection.unregister("judged_rows")
    return frame


def _leading(outcomes: pd.DataFrame) -> dict[str, Estimate]:
    """The share of outcomes with an alert before, and the median lead time of those, over people."""
    days, person = outcomes["days"].to_numpy(np.float64), outcomes["employee_id"].to_numpy(object)
    spoken = ~np.isnan(days)
    figures = estimate(
        {"spoken": lambda label, _none, weight: weighted_mean(label, weight)},
        spoken.astype(np.float64),
        np.zeros(len(days)),
        person=person,
    )
    if spoken.sum() >= LEAST_ALERTS:
        figures |= estimate(
            {"lead_days": lambda label, _none, weight: _median(label, weight)},
            days[spoken],
            np.zeros(int(spoken.sum())),
            person=person[spoken],
        )
    return figures


def _median(values: Floats, weight: Floats) -> Floats:
    """The weighted median for each row of ``weight``: the smallest value at or below which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[:, order], axis=1)
    first = np.argmax(below >= below[:, -1:] / 2, axis=1)
    return np.where(below[:, -1] > 0, values[order][first], np.nan)
