"""Metrics without a definition, and goals that are set under another version than the definition's."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from perfml.evidence.check import CheckReport
from perfml.evidence.record_end import end_of_record
from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.evidence.withheld.undefined_metrics import KEYS
from perfml.messages import Message
from perfml.project.trust.metrics import MetricsSpec


@dataclass(frozen=True, kw_only=True)
class UndefinedMetric:
    """A metric that a table uses and nobody has defined."""

    metric: str
    table: str
    rows: int

    @property
    def message(self) -> Message:
        """Where it is used."""
        return Message.of("definition_undefined", metric=self.metric, table=self.table, rows=self.rows)


@dataclass(frozen=True, kw_only=True)
class OtherVersion:
    """Goals in force that were set under another version of their metric than the one that stands."""

    metric: str
    stated: str
    current: str
    goals: int

    @property
    def message(self) -> Message:
        """What is not compared."""
        return Message.of(
            "definition_mixed", metric=self.metric, count=self.goals, theirs=self.stated, current=self.current
        )


def undefined_metrics(data: Data, metrics: MetricsSpec) -> tuple[UndefinedMetric, ...]:
    """The metrics of ``goals`` and ``facts`` without a definition, those that were set aside for it included."""
    undefined = []
    for table in KEYS:
        if data.has(table):
            rows = data.connection.execute(
                f"select metric, count(*) from (select metric from {table} union all"
                f" select value from quarantine where table_name = '{table}' and rule = 'undefined_metric')"
                " where metric not in (select unnest(?::text[])) group by metric order by metric",
                [sorted(metrics.defined)],
            ).fetchall()
            undefined += [UndefinedMetric(metric=metric, table=table, rows=count) for metric, count in rows]
    return tuple(undefined)


def other_versions(data: Data, metrics: MetricsSpec, as_of: dt.date) -> tuple[OtherVersion, ...]:
    """Goals in their period at ``as_of`` whose newest row states another version than the metric's definition."""
    if not data.has("goals") or not metrics.metrics:
        return ()
    rows = data.connection.execute(
        f"select metric, definition, count(*) from (select t.* from main.goals t, (select ?::date as as_of) a"
        f" where {visible('t')} and t.period_end >= a.as_of"
        " qualify row_number() over (partition by goal_id order by effective_on desc, known_moment desc) = 1)"
        " where definition is not null group by all order by all",
        [as_of],
    ).fetchall()
    return tuple(
        OtherVersion(metric=metric, stated=stated, current=metrics.metrics[metric].label, goals=count)
        for metric, stated, count in rows
        if metric in metrics.metrics and stated != metrics.metrics[metric].label
    )


def with_metrics(report: CheckReport, data: Data, metrics: MetricsSpec) -> CheckReport:
    """``report`` with what is not defined, where metrics are defined at all, and with goals of another version."""
    if metrics == MetricsSpec():
        return report
    undefined = undefined_metrics(data, metrics)
    mixed = other_versions(data, metrics, end_of_record(data)) if report.ready else ()
    return replace(
        report, notices=(*report.notices, *(each.message for each in undefined), *(each.message for each in mixed))
    )
