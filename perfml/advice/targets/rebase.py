"""Targets after a metric's meaning has changed: what each becomes so that it asks for as much as before.

The share between the two meanings is measured on the closed days of the person's own amounts. Nothing applies by itself: a
proposal is a suggestion that people decide about, and who accepts one enters the new target as a new version of the goal.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from perfml.advice.targets.ledger import in_force
from perfml.advice.targets.suggestion_rows import SCHEMA
from perfml.evidence.sources import Data
from perfml.messages import Message, render
from perfml.project.trust.metrics import MetricSpec, MetricsSpec
from perfml.trust.definitions.versions import MetricVersion, VersionHistory
from perfml.trust.reconciliation.cells import MeaningTotals, totals_by_meaning

POLICY: Final = "definition_rebase"
"""The name under which proposals are kept."""
LEAST_DAYS: Final = 5
"""Closed days in both meanings below which nothing is proposed."""


def rebase(
    data: Data, metrics: MetricsSpec, history: VersionHistory, as_of: dt.date, *, held: Collection[str]
) -> pa.Table:
    """The proposals for goals in force at ``as_of`` that are set under an earlier version of their metric.

    Rows of ``perfml.advice.targets.suggestion_rows.SCHEMA``: ``suggested`` with the new target (exact to the metric's last
    decimal place), or ``none`` and why. ``held``: people without proposals.
    """
    goals = in_force(data, as_of)
    rows = [
        row
        for name, spec in metrics.metrics.items()
        for row in _of_metric(data, goals, name=name, spec=spec, history=history, as_of=as_of)
        if row["employee_id"] not in held
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: (row["employee_id"], row["goal_id"])), schema=SCHEMA)


def _of_metric(
    data: Data, goals: pd.DataFrame, *, name: str, spec: MetricSpec, history: VersionHistory, as_of: dt.date
) -> Iterator[dict[str, object]]:
    present = history.of(name, spec.version)
    if present is None or not present.in_force or spec.reference is None or spec.actuals is None:
        return
    totals: Mapping[str, MeaningTotals] | None = None
    for goal in goals[(goals["metric"] == name) & goals["employed"]].to_dict("records"):
        stated = goal["definition"]
        earlier = _version(history, name, stated) if isinstance(stated, str) else None
        if earlier is None or earlier.version >= spec.version:
            continue
        if totals is None:
            totals = totals_by_meaning(data, name, spec, as_of)
        yield _row(goal, spec=spec, before=earlier, totals=totals.get(str(goal["employee_id"])), as_of=as_of)


def _version(history: VersionHistory, metric: str, label: str) -> MetricVersion | None:
    number = label.removeprefix("v")
    return history.of(metric, int(number)) if number.isdecimal() else None


def _row(
    goal: Mapping[Any, Any],
    *,
    spec: MetricSpec,
    before: MetricVersion,
    totals: MeaningTotals | None,
    as_of: dt.date,
) -> dict[str, object]:
    target = Decimal(str(goal["target"]))
    old, new = (_amount(meaning, spec, totals) for meaning in (before.meaning, spec.meaning))
    days = totals.days if totals else 0
    meanings = {"before": _meaning(before.meaning), "now": _meaning(spec.meaning)}
    known = old is not None and new is not None and old > 0 and new > 0 and days >= LEAST_DAYS
    proposed: Decimal | None = None
    if known:
        assert old is not None and new is not None
        proposed = (target * new / old).quantize(Decimal(1).scaleb(-spec.decimals), ROUND_HALF_EVEN)
        figures = {
            "old": f"{old:,}",
            "new": f"{new:,}",
            "old_target": f"{target:,.{spec.decimals}f}",
            "new_target": f"{proposed:,}",
        }
        text = Message.of("definition_rebase", metric=str(goal["metric"]), days=days, **meanings, **figures)
    else:
        text = Message.of("definition_rebase_unknown", metric=str(goal["metric"]), days=days, **meanings)
    sentences = {language: render(text, language) for language in ("en", "zh")}
    prefix = "" if known else "why_not_"
    identity = f"{POLICY}|{goal['goal_id']}|{spec.label}|{proposed}"
    period_end = goal["period_end"]
    assert isinstance(period_end, pd.Timestamp)
    return {
        "suggestion_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "policy": POLICY,
        "policy_version": spec.label,
        "as_of": as_of,
        **{name: goal[name] for name in ("employee_id", "goal_id", "metric", "core")},
        **{name: goal[name] if isinstance(goal[name], str) else None for name in ("parent_goal_id", "scope")},
        "period_end": period_end.date(),
        "status": "suggested" if known else "none",
        "lever": "target" if known else None,
        "old_target": float(target),
        "new_target": None if proposed is None else float(proposed),
        "old_weight": goal["weight"],
        "new_weight": goal["weight"] if known else None,
        "rules": [],
        "evidence": [],
        **{f"{prefix}{language}": sentence for language, sentence in sentences.items()},
    }


def _amount(meaning: Mapping[str, str], spec: MetricSpec, totals: MeaningTotals | None) -> Decimal | None:
    """What the person's amounts come to in ``meaning``; None where the bridge does not lead through it."""
    if totals is None or spec.reference is None or spec.actuals is None or meaning["unit"] != spec.unit:
        return None
    own, end = spec.meaning_of(spec.reference), spec.meaning_of(spec.actuals)
    amounts = {
        (own["basis"], own["attribution"]): totals.own,
        (end["basis"], own["attribution"]): totals.in_basis,
        (end["basis"], end["attribution"]): totals.in_attribution,
    }
    return amounts.get((meaning["basis"], meaning["attribution"]))


def _meaning(meaning: Mapping[str, str]) -> Message:
    return Message.of("definition_meaning", basis=meaning["basis"], attribution=meaning["attribution"])
