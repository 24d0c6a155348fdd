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
from perfml.messages import Language, Message, render
from perfml.project.trust.metrics import MetricSpec, MetricsSpec
from perfml.trust.definitions.versions import MetricVersion, VersionHistory
from perfml.trust.reconciliation.cells import MeaningTotals, totals_by_meaning

POLICY: Final = "definition_rebase"
"""The name under which proposals are kept."""
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
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
    if present is None or not present.in_force:
        return
    totals: Mapping[str, MeaningTotals] | None = None
    for goal in goals[(goals["metric"] == name) & goals["employed"]].to_dict("records"):
        stated = goal["definition"]
        if not isinstance(stated, str) or stated == spec.label:
            continue
        if totals is None:
            compared = spec.reference is not None and spec.actuals is not None
            totals = totals_by_meaning(data, name, spec, as_of) if compared else {}
        number = stated.removeprefix("v")
        earlier = history.of(name, int(number)) if number.isdecimal() else None
        proposed, why = _proposed(goal, spec, earlier, totals.get(str(goal["employee_id"])))
        yield _row(goal, spec=spec, proposed=proposed, why=why, as_of=as_of)


def _proposed(
    goal: Mapping[Any, Any], spec: MetricSpec, before: MetricVersion | None, totals: MeaningTotals | None
) -> tuple[Decimal | None, Message]:
    """The new target and why, or why there is none."""
    metric = str(goal["metric"])
    if before is None:
        return None, Message.of("definition_rebase_unrecorded", metric=metric, stated=str(goal["definition"]))
    target, days = Decimal(str(goal["target"])), totals.days if totals else 0
    old, new = (_amount(meaning, spec, totals) for meaning in (before.meaning, spec.meaning))
    meanings = {"before": _meaning(before.meaning), "now": _meaning(spec.meaning)}
    if old is None or new is None or old <= 0 or new <= 0 or days < LEAST_DAYS:
        return None, Message.of("definition_rebase_unknown", metric=metric, days=days, **meanings)
    proposed = (target * new / old).quantize(Decimal(1).scaleb(-spec.decimals), ROUND_HALF_EVEN)
    amounts = {"old": old, "new": new, "old_target": target, "new_target": proposed}
    figures = {name: f"{amount:,.{spec.decimals}f}" for name, amount in amounts.items()}
    return proposed, Message.of("definition_rebase", metric=metric, days=days, **meanings, **figures)


def _row(
    goal: Mapping[Any, Any], *, spec: MetricSpec, proposed: Decimal | None, why: Message, as_of: dt.date
) -> dict[str, object]:
    known = proposed is not None
    prefix = "" if known else "why_not_"
    identity = f"{POLICY}|{goal['goal_id']}|{spec.label}|{proposed}"
    return {
        "suggestion_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "policy": POLICY,
        "policy_version": spec.label,
        "as_of": as_of,
        **{name: goal[name] for name in ("employee_id", "goal_id", "metric", "core")},
        **{name: goal[name] if isinstance(goal[name], str) else None for name in ("parent_goal_id", "scope")},
        "period_end": goal["period_end"].date(),
        "status": "suggested" if known else "none",
        "lever": "target" if known else None,
        "old_target": goal["target"],
        "new_target": None if proposed is None else float(proposed),
        "old_weight": goal["weight"],
        "new_weight": goal["weight"] if known else None,
        "rules": [],
        "evidence": [],
        **{f"{prefix}{language}": render(why, language) for language in LANGUAGES},
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
