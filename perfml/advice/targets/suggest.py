"""Suggestions: one row for each goal in force, with a new target or weight inside the policy, or why there is none.

Nothing applies by itself. What is suggested does not depend on how far somebody falls behind by their own effort: the need of a
goal is measured as if its owner did what is usual for them (``decomposition.Parts.effort``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.targets import texts
from perfml.advice.targets.decomposition import Case, Outlook, assess
from perfml.advice.targets.ledger import begun_after, in_force, newest_signals, usual_attainment
from perfml.advice.targets.programme import RULES, Proposal, propose
from perfml.advice.targets.texts import Line, Text, Why
from perfml.arrays import Bools
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy

_WORDS = [("zh", pa.string()), ("en", pa.string())]
_PARTS = pa.struct([(name, pa.float64()) for name in texts.PARTS])
SCHEMA = pa.schema(
    [
        ("suggestion_id", pa.string()),
        ("policy", pa.string()),
        ("policy_version", pa.string()),
        ("as_of", pa.date32()),
        ("employee_id", pa.string()),
        ("goal_id", pa.string()),
        ("parent_goal_id", pa.string()),
        ("metric", pa.string()),
        ("scope", pa.string()),
        ("core", pa.bool_()),
        ("period_end", pa.date32()),
        ("status", pa.string()),
        ("lever", pa.string()),
        ("old_target", pa.float64()),
        ("new_target", pa.float64()),
        ("old_weight", pa.float64()),
        ("new_weight", pa.float64()),
        ("actual", pa.float64()),
        ("gone", pa.float64()),
        ("expected", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("probability_before", pa.float64()),
        ("probability_after", pa.float64()),
        ("parts", _PARTS),
        ("rules", pa.list_(pa.struct([("rule", pa.string()), ("binding", pa.bool_()), *_WORDS]))),
        ("evidence", pa.list_(pa.struct([("what", pa.string()), ("value", pa.float64()), *_WORDS]))),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("why_not_zh", pa.string()),
        ("why_not_en", pa.string()),
    ]
)
"""A row is a goal in force of somebody who works here. ``status``: suggested; fits (inside the band); none (``why_not`` says
why); error (actual and target have different definitions, and nothing compares them); held (no numbers). ``low`` to ``high``:
the 80 % interval of the final value. Probabilities are those of reaching the old and the new target. ``parts`` are log points
and add up to log(expected / old_target). ``suggestion_id`` is the same as long as policy, goal, month and proposal are (targets
to 1 % of the old one): what was refused stays refused for the window, unless the proposal changes."""
CHANGED = 1e-6
"""Relative change of a target, or points of weight, below which nothing has changed."""
TOGETHER = np.log(0.95)
"""Where the others on the metric and scope are this far behind, a gap without a signal is not called own effort."""


def suggest(
    data: Data,
    policy: TargetPolicy,
    as_of: dt.date,
    *,
    name: str = "target_adjustment",
    forecasts: Outlook | None = None,
    held: Mapping[str, str] | None = None,
    refused: frozenset[str] = frozenset(),
    progress: Progress = SILENT,
) -> pa.Table:
    """The suggestions of ``policy`` (called ``name``) at ``as_of``, ordered by employee and goal; see :data:`SCHEMA`.

    ``forecasts``: those of ``as_of``, made here by default. ``held``: people without numbers, and why. ``refused``: ids of
    suggestions that somebody refused; the same are not made again in the same window.
    """
    goals = in_force(data, as_of)
    if not len(goals):
        return SCHEMA.empty_table()
    if forecasts is None:
        from perfml.advice.targets.forecast import forecast

        forecasts = forecast(data, policy, as_of, progress=progress)
    held = held or {}
    case = assess(
        goals,
        forecasts,
        policy,
        held=held,
        before=begun_after(data, goals, as_of),
        usual=usual_attainment(data, goals, as_of),
    )
    found, ids, turned_down = _respecting(case, policy, name, as_of, refused)
    used = [signal.name for signal in forecasts.signals if signal.used]
    signals = newest_signals(data, as_of, used)
    made = _Rows(case, found, ids, turned_down, held, used, signals, policy, name, as_of)
    rows = made.all()
    progress("suggesting targets", len(rows), len(rows))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _respecting(
    case: Case, policy: TargetPolicy, name: str, as_of: dt.date, refused: frozenset[str]
) -> tuple[Proposal, list[str], Bools]:
    """The proposal without what was refused, the id of each row, and which goals would have had a refused suggestion.

    A refused goal stays as it is, and everything is worked out again around it: totals and weights still add up.
    """
    turned_down = np.zeros(len(case.goals), dtype=bool)
    may = case.needs.open & policy.is_open(as_of)
    while True:
        found = propose(case.goals, replace(case.needs, open=may & ~turned_down), policy)
        ids = _ids(case.goals, found, name, as_of)
        again = np.array([one in refused for one in ids], dtype=bool) & _changed(case.goals, found)
        if not again.any():
            return _rest_is_effort(case, found, policy), ids, turned_down
        turned_down = turned_down | again


def _rest_is_effort(case: Case, found: Proposal, policy: TargetPolicy) -> Proposal:
    """Where a target went as far as is needed at the usual effort and the goal is still out of the band, own effort bounds it."""
    after = case.probability(found.target)
    off = (after < policy.band.low - 1e-4) | (after > policy.band.high + 1e-4)
    rest = found.binding["band"] & off
    both = {"outside": found.binding["outside"] | rest, "band": found.binding["band"] & ~rest}
    return replace(found, binding=found.binding | both)


def _changed(goals: pd.DataFrame, found: Proposal) -> Bools:
    moved = np.abs(found.target / goals["target"].to_numpy(dtype=np.float64) - 1) > CHANGED
    changed: Bools = moved | (np.abs(found.weight - goals["weight"].to_numpy(dtype=np.float64)) > CHANGED)
    return changed


def _ids(goals: pd.DataFrame, found: Proposal, name: str, as_of: dt.date) -> list[str]:
    share = np.rint(100 * (found.target / goals["target"].to_numpy(dtype=np.float64) - 1)).astype(int)
    points = found.weight - goals["weight"].to_numpy(dtype=np.float64)
    said = zip(goals["goal_id"].tolist(), share.tolist(), np.round(points, 3).tolist(), strict=True)
    return [
        hashlib.sha256(f"{name}|{goal}|{as_of:%Y-%m}|{moved}|{shifted + 0:.3f}".encode()).hexdigest()[:16]
        for goal, moved, shifted in said
    ]


@dataclass(frozen=True)
class _Rows:
    """Everything the rows are told from."""

    case: Case
    found: Proposal
    ids: list[str]
    turned_down: Bools
    held: Mapping[str, str]
    used: list[str]
    signals: Mapping[tuple[str, str], tuple[dt.date, float]]
    policy: TargetPolicy
    name: str
    as_of: dt.date

    def all(self) -> list[dict[str, Any]]:
        """One row for each goal of somebody who works here."""
        goals = self.case.goals
        table = goals.assign(
            **{name: self.case.read(name) for name in ("gone", "expected", "low", "high", "peers")},
            reached=self.case.reached,
            after=self.case.probability(self.found.target),
            new_target=self.found.target,
            new_weight=self.found.weight,
            changed=_changed(goals, self.found),
            others=goals.groupby(["metric", "scope"], dropna=False)["goal_id"].transform("size") - 1,
            next_target=self.case.next_target,
            wanted=self.case.needs.wanted,
            place=np.arange(len(goals)),
            **{f"part_{name}": getattr(self.case.parts, name) for name in texts.PARTS},
        )
        rules = texts.rule_texts(self.policy)
        version = self.policy.version
        rows = table[table["employed"]].sort_values(["employee_id", "goal_id"])
        return [self._row(one, rules, version) for one in rows.to_dict("records")]

    def _row(self, one: Mapping[Any, Any], rules: Mapping[str, Text], version: str) -> dict[str, Any]:
        i: int = one["place"]
        row: dict[str, Any] = {
            "suggestion_id": self.ids[i],
            "policy": self.name,
            "policy_version": version,
            "as_of": self.as_of,
            "period_end": one["period_end"].date(),
            "rules": [],
            "evidence": [],
            **{name: one[name] for name in ("employee_id", "goal_id", "metric", "core")},
            **{name: _text(one[name]) for name in ("parent_goal_id", "scope")},
        }
        if one["employee_id"] in self.held:
            return row | {"status": "held"} | self._why_not("held", detail=(self.held[one["employee_id"]], ""))
        row |= {"old_target": one["target"], "old_weight": one["weight"]}
        row["evidence"] = [asdict(line) for line in self._evidence(one)]
        if self.case.broken[i]:
            detail = (str(one["definition"]), str(one["measured_definition"]))
            return row | {"status": "error"} | self._why_not("definition", detail=detail)
        row |= {name: _number(one[name]) for name in ("actual", "gone", "expected", "low", "high")}
        row["probability_before"] = _number(one["reached"])
        parts = {name: float(one[f"part_{name}"]) for name in texts.PARTS}
        if not np.isnan(parts["own"]):
            row["parts"] = parts
        bounds = [rules[name] for name in RULES if self.found.binding[name][i]]
        if self.case.outside_band[i] or one["changed"]:
            row["rules"] = [
                {"rule": name, "binding": bool(self.found.binding[name][i]), **asdict(rules[name])} for name in RULES
            ]
        if one["changed"]:
            return row | self._proposed(one, parts, bounds)
        why = self._why(one)
        bounds = [rules["core"]] if one["core"] else bounds
        if why is None:
            return row | {"status": "fits"} | asdict(texts.fits(one["metric"], one["reached"]))
        detail = (texts.percent(float(np.expm1(one["peers"])), signed=True), "") if why == "unexplained" else ("", "")
        return row | {"status": "none"} | self._why_not(why, bounds=bounds, detail=detail)

    def _proposed(self, one: Mapping[Any, Any], parts: Mapping[str, float], bounds: list[Text]) -> dict[str, Any]:
        moves, shifts = (
            abs(one["new_target"] / one["target"] - 1) > CHANGED,
            abs(one["new_weight"] - one["weight"]) > CHANGED,
        )
        target = one["new_target"] if moves else one["target"]
        weight = one["new_weight"] if shifts else one["weight"]
        said = texts.Proposed(
            metric=one["metric"],
            old_target=one["target"],
            new_target=target,
            old_weight=one["weight"],
            new_weight=weight,
            expected=one["expected"],
            low=one["low"],
            high=one["high"],
            before=one["reached"],
            after=one["after"],
            parts=parts,
            own_need=not np.isnan(one["wanted"]),
        )
        return {
            "status": "suggested",
            "lever": "both" if moves and shifts else "target" if moves else "weight",
            "new_target": target,
            "new_weight": weight,
            "probability_after": _number(one["after"]),
            **asdict(texts.proposal(said, bounds)),
        }

    def _why(self, one: Mapping[Any, Any]) -> Why | None:
        """Why nothing is suggested for a goal; None where nothing needs to be."""
        i, wanted = one["place"], one["wanted"]
        if np.isnan(self.case.parts.own[i]):
            return "no_forecast"
        if self.turned_down[i]:
            return "refused"
        if not self.case.outside_band[i]:
            return None
        if self.case.near[i]:
            return "small"
        if self.case.silent:
            return "no_outside"
        relief = one["reached"] < self.policy.band.low
        permits = self.case.needs.down[i] < 0 if relief else self.case.needs.up[i] > 0
        if np.isnan(wanted) or not permits:
            together = relief and one["part_market"] == 0 and one["peers"] <= TOGETHER
            return "unexplained" if together else "effort" if relief else "excess"
        if not one["core"] and not self.policy.is_open(self.as_of):
            return "window"
        return "blocked"

    def _why_not(
        self, why: Why, *, bounds: list[Text] | None = None, detail: tuple[str, str] = ("", "")
    ) -> dict[str, str]:
        said = texts.why_not(why, self.policy, as_of=self.as_of, bounds=bounds or [], detail=detail)
        return {"why_not_zh": said.zh, "why_not_en": said.en}

    def _evidence(self, one: Mapping[Any, Any]) -> list[Line]:
        said = []
        if not np.isnan(one["actual"]):
            said.append(texts.progress_line(one["measured_at"].date(), one["actual"]))
        if one["version"] > 1:
            said.append(texts.version_line(one["version"], one["first_target"]))
        for name in self.used:
            newest = self.signals.get((name, _text(one["scope"]) or ""), self.signals.get((name, "")))
            if newest is not None:
                said.append(texts.signal_line(name, *newest))
        if not np.isnan(one["peers"]):
            said.append(texts.peers_line(float(np.expm1(one["peers"])), one["others"]))
        if not np.isnan(one["next_target"]):
            said.append(texts.next_target_line(one["next_target"]))
        return said


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
