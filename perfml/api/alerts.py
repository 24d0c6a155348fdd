"""The verbs of alerts: rules over evidence that speak early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfml.api.shared import DataLocation, held_at, seen, today_or
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day, until_day
from perfml.project.spec import Every
from perfml.project.trust.alert_spec import AlertsSpec

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.trust.alerts.alert import Alert
    from perfml.trust.alerts.backtest import AlertsBacktest
    from perfml.trust.alerts.report import AlertReport


def alerts(
    project: Project, data: DataLocation | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> AlertReport:
    """Look at ``as_of`` (default: the end of the record) with the rules of ``models/alerts.toml``: new alerts are stored
    and told through the outbox, what nobody acknowledges is escalated, what no longer holds is resolved.

    The same look again changes nothing. Nothing is said about people who are held, opted out or away. A rule whose
    evidence the record does not have is insufficient, and ends nothing else.
    """
    from perfml.trust.alerts.report import report_alerts

    name, spec = project.folder.policy_of(AlertsSpec, policy)
    with project.open(data) as opened:
        report = report_alerts(
            opened,
            project.folder.definitions,
            spec,
            as_of_day(opened, as_of),
            policy=name,
            home=project.home,
            held=lambda day: held_at(project, opened, day).keys(),
            progress=project.progress,
        )
    seen(project, f"alerts {report.day}", report.people)
    return report


def acknowledge_alert(
    project: Project, alert_id: str, *, by: str, note: str = "", today: DateLike | None = None
) -> Alert:
    """Store that ``by`` takes care of an alert, so that nobody else is told.

    Raises :class:`PerfmlError` for an unknown alert and for one that somebody takes care of already.
    """
    from perfml.trust.alerts.alert_log import acknowledge

    return acknowledge(project.home, alert_id, by=by, note=note, on=today_or(today))


def backtest_alerts(
    project: Project,
    data: DataLocation | None = None,
    *,
    until: DateLike | None = None,
    every: Every = "week",
    policy: str | None = None,
) -> AlertsBacktest:
    """What each rule would have been worth at past dates whose outcomes have matured: how early it would have spoken before
    the outcome, how often for nothing, how many alerts that makes, and how early lists of the model in use are at that load."""
    from perfml.trust.alerts.backtest import backtest, beside_lists

    name, spec = project.folder.policy_of(AlertsSpec, policy)
    with project.open(data) as opened:
        tested = backtest(
            opened,
            project.folder,
            spec,
            until=until_day(opened, until),
            every=every,
            policy=name,
            progress=project.progress,
        )
    return beside_lists(tested, project.home)
