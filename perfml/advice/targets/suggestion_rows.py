"""Rows of suggestions on targets, with words and evidence, from an assessment and a proposal."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.targets import texts
from perfml.advice.targets.decomposition import GoalAssessment
from perfml.advice.targets.programme import RULES, Proposal
from perfml.advice.targets.texts import ReasonLine, Why, listed
from perfml.arrays import Bools, Floats
from perfml.messages import Message, Value, both
from perfml.project.target_policy import TargetPolicy
from perfml.trust.holds.hold import Hold

_TEXTS = [("zh", pa.string()), ("en", pa.string())]
_PARTS = pa.struct([(name, pa.float64()) for name in texts.PARTS])
_BEYOND = pa.struct(
    [
        ("escalation_id", pa.string()),
        *((name, pa.float64()) for name in ("needed_target", "limit_percent", "limit_target", "probability_at_limit")),
        ("decided_by_zh", pa.string()),
        ("decided_by_en", pa.string()),
    ]
)
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
        ("beyond", _BEYOND),
        ("rules", pa.list_(pa.struct([("rule", pa.string()), ("binding", pa.bool_()), *_TEXTS]))),
        ("evidence", pa.list_(pa.struct([("what", pa.string()), ("value", pa.float64()), *_TEXTS]))),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("why_not_zh", pa.string()),
        ("why_not_en", pa.string()),
    ]
)
"""One row per goal in force of an employed person. ``status``: suggested; fits (inside the band); none (``why_not`` gives the
reason); beyond (the limits of the policy do not bring it into reach, and no weight moves); error (actual and target have
definitions that cannot be compared); held or outside the policy's population (no numbers). ``gone``: elapsed share of the
period. ``low`` to ``high``: the 80 % interval of the final. Probabilities are of reaching the old and the new target.
``parts`` are log points and add up to log(expected / old_target). ``beyond``: for a goal that the limits do not bring into
reach, whether its weight moves or not, the case it belongs to (``perfml.advice.targets.escalations``), the target needed at
the usual effort, the nearest one within the limits, and the probability of reaching that one. ``suggestion_id`` is the same as
long as policy, goal, month and proposal are (targets to 1 % of the old one): a refused suggestion stays refused for the
window, unless the proposal changes."""
CHANGED = 1e-6
"""Relative change of a target, or points of weight, that counts as a change."""
TOGETHER = np.log(0.95)
"""Median lead of the other goals on the metric and scope at which a gap without a signal is not attributed to own effort."""


def changed(goals: pd.DataFrame, proposal: Proposal) -> Bools:
    """Which goals get another target or weight."""
    moved = np.abs(proposal.target / goals["target"].to_numpy(dtype=np.float64) - 1) > CHANGED
    mask: Bools = moved | (np.abs(proposal.weight - goals["weight"].to_numpy(dtype=np.float64)) > CHANGED)
    return mask


@dataclass(frozen=True, kw_only=True)
class SuggestionRows:
    """The rows of :data:`SCHEMA`, from assessment and proposal."""

    case: GoalAssessment
    proposal: Proposal
    ids: list[str]
    turned_down: Bools
    futile: Floats
    held: Mapping[str, Hold]
    outside: frozenset[str]
    measured: bool
    """Whether any goal had been measured."""
    used: list[str]
    signals: Mapping[tuple[str, str], tuple[dt.date, float]]
    policy: TargetPolicy
    name: str
    as_of: dt.date

    def table(self) -> pa.Table:
        """One row per goal of an employed person, by employee and goal; see :data:`SCHEMA`."""
        goals = self.case.goals
        table = goals.assign(
            **{name: self.case.read(name) for name in ("gone", "expected", "low", "high", "peers")},
            reached=self.case.reached,
            after=self.case.probability(self.proposal.target),
            new_target=self.proposal.target,
            new_weight=self.proposal.weight,
            changed=changed(goals, self.proposal),
            others=goals.groupby(["metric", "scope"], dropna=False)["goal_id"].transform("size") - 1,
            next_target=self.case.next_target,
            farthest=self.case.farthest,
            farthest_reached=self.case.farthest_reached,
            beyond=self.case.needs.beyond,
            futile=self.futile,
            futile_reached=self.case.probability(self.futile),
            wanted=self.case.needs.wanted,
            index=np.arange(len(goals)),
            **{f"part_{name}": getattr(self.case.parts, name) for name in texts.PARTS},
        )
        rules = texts.rule_texts(self.policy)
        version = self.policy.version
        rows = table[table["employed"]].sort_values(["employee_id", "goal_id"])
        return pa.Table.from_pylist(
            [self._row(goal, rules, version) for goal in rows.to_dict("records")], schema=SCHEMA
        )

    def _row(self, goal: Mapping[Any, Any], rules: Mapping[str, Message], version: str) -> dict[str, Any]:
        i: int = goal["index"]
        row: dict[str, Any] = {
            "suggestion_id": self.ids[i],
            "policy": self.name,
            "policy_version": version,
            "as_of": self.as_of,
            "period_end": goal["period_end"].date(),
            "rules": [],
            "evidence": [],
            **{name: goal[name] for name in ("employee_id", "goal_id", "metric", "core")},
            **{name: _text(goal[name]) for name in ("parent_goal_id", "scope")},
        }
        if goal["employee_id"] in self.outside:
            return row | {"status": "outside"} | self._why_not("outside", where=str(self.policy.population.where))
        if goal["employee_id"] in self.held:
            return row | {"status": "held"} | self._why_not("held", cause=self.held[goal["employee_id"]].message)
        row |= {"old_target": goal["target"], "old_weight": goal["weight"]}
        row["evidence"] = [{"what": line.what, "value": line.value, **both(line.text)} for line in self._evidence(goal)]
        if self.case.broken[i]:
            target, actual = str(goal["definition"]), str(goal["measured_definition"])
            return row | {"status": "error"} | self._why_not("definition", target=target, actual=actual)
        row |= {name: _number(goal[name]) for name in ("actual", "gone", "expected", "low", "high")}
        row["probability_before"] = _number(goal["reached"])
        parts = {name: float(goal[f"part_{name}"]) for name in texts.PARTS}
        if not np.isnan(parts["own"]):
            row["parts"] = parts
        binding = {name: bool(self.proposal.binding[name][i]) for name in RULES}
        if self.case.outside_band[i] or goal["changed"]:
            row["rules"] = [{"rule": name, "binding": binds, **both(rules[name])} for name, binds in binding.items()]
        if goal["beyond"]:
            row["beyond"] = self._beyond(goal)
            binding |= {"window": False, "year": False}  # its text begins with them
        bounds = [rules[name] for name, binds in binding.items() if binds]
        if goal["changed"]:
            return row | self._proposed(goal, parts, bounds)
        why = self._why(goal)
        if why == "beyond":
            text = texts.beyond(goal["metric"], self._limit(goal), bounds)
            return row | {"status": "beyond"} | {f"why_not_{name}": each for name, each in both(text).items()}
        if why is None:
            return row | {"status": "fits"} | both(texts.fits(goal["metric"], goal["reached"]))
        values: dict[str, Value] = {}
        if why == "unexplained":
            values = {"others": texts.percent(float(np.expm1(goal["peers"])), signed=True)}
        elif why == "futile":
            values = {
                "share": texts.percent(goal["futile"] / goal["target"] - 1, signed=True),
                "reach": texts.percent(goal["reached"]),
                "after": texts.percent(goal["futile_reached"]),
            }
        elif why == "blocked":
            values = {"bounds": listed("target_also", [rules["core"]] if goal["core"] else bounds)}
        return row | {"status": "none"} | self._why_not(why, **values)

    def _proposed(self, goal: Mapping[Any, Any], parts: Mapping[str, float], bounds: list[Message]) -> dict[str, Any]:
        moves, shifts = (
            abs(goal["new_target"] / goal["target"] - 1) > CHANGED,
            abs(goal["new_weight"] - goal["weight"]) > CHANGED,
        )
        target = goal["new_target"] if moves else goal["target"]
        weight = goal["new_weight"] if shifts else goal["weight"]
        numbers = texts.Proposed(
            metric=goal["metric"],
            old_target=goal["target"],
            new_target=target,
            old_weight=goal["weight"],
            new_weight=weight,
            expected=goal["expected"],
            low=goal["low"],
            high=goal["high"],
            before=goal["reached"],
            after=goal["after"],
            parts=parts,
            own_need=not np.isnan(goal["wanted"]),
        )
        return {
            "status": "suggested",
            "lever": "both" if moves and shifts else "target" if moves else "weight",
            "new_target": target,
            "new_weight": weight,
            "probability_after": _number(goal["after"]),
            **both(texts.proposal(numbers, bounds, beyond=self._limit(goal) if goal["beyond"] else None)),
        }

    def _limit(self, goal: Mapping[Any, Any]) -> texts.Limit:
        share = goal["farthest"] / goal["target"] - 1
        used = goal["changed_percent_year"] - goal["changed_percent_window"]
        return texts.Limit(
            within_year=used + self.policy.max_target_change_percent > self.policy.max_target_change_per_year_percent,
            percent=100 * abs(share),
            falls=goal["wanted"] < goal["target"],
        )

    def _beyond(self, goal: Mapping[Any, Any]) -> dict[str, Any]:
        subject = f"{self.name}|{goal['metric']}|{_text(goal['scope']) or ''}|{self.as_of:%Y-%m}"
        decided_by = {f"decided_by_{name}": getattr(self.policy.beyond, f"decided_by_{name}") for name in ("zh", "en")}
        return {
            "escalation_id": hashlib.sha256(f"escalation|{subject}".encode()).hexdigest()[:16],
            "needed_target": goal["wanted"],
            "limit_percent": self._limit(goal).percent,
            "limit_target": goal["farthest"],
            "probability_at_limit": _number(goal["farthest_reached"]),
            **decided_by,
        }

    def _why(self, goal: Mapping[Any, Any]) -> Why | None:
        """The reason for suggesting nothing; None if nothing is needed."""
        i, wanted = goal["index"], goal["wanted"]
        if np.isnan(self.case.parts.own[i]):
            return "no_forecast" if self.measured else "no_progress"
        if self.turned_down[i]:
            return "refused"
        if goal["beyond"] and self.policy.is_open(self.as_of):
            return "beyond"
        if not self.case.outside_band[i]:
            return None
        if not np.isnan(goal["futile"]) and goal["wanted"] < goal["target"]:
            return "futile"
        if self.case.near[i]:
            return "small"
        if self.case.silent:
            return "no_outside" if self.measured else "no_progress"
        relief = goal["reached"] < self.policy.band.low
        permits = self.case.needs.down[i] < 0 if relief else self.case.needs.up[i] > 0
        if np.isnan(wanted) or not permits:
            together = relief and goal["part_market"] == 0 and goal["peers"] <= TOGETHER
            return "unexplained" if together else "effort" if relief else "excess"
        if not goal["core"] and not self.policy.is_open(self.as_of):
            return "window"
        return "blocked"

    def _why_not(self, why: Why, **values: Value) -> dict[str, str]:
        text = texts.why_not(why, self.policy, as_of=self.as_of, **values)
        return {f"why_not_{language}": sentence for language, sentence in both(text).items()}

    def _evidence(self, goal: Mapping[Any, Any]) -> list[ReasonLine]:
        lines = []
        if not np.isnan(goal["actual"]):
            lines.append(texts.progress_line(goal["measured_at"].date(), goal["actual"]))
        if goal["version"] > 1:
            lines.append(texts.version_line(goal["version"], goal["first_target"]))
        for name in self.used:
            newest = self.signals.get((name, _text(goal["scope"]) or ""), self.signals.get((name, "")))
            if newest is not None:
                lines.append(texts.signal_line(name, *newest))
        if not np.isnan(goal["peers"]):
            lines.append(texts.peers_line(float(np.expm1(goal["peers"])), goal["others"]))
        if not np.isnan(goal["next_target"]):
            lines.append(texts.next_target_line(goal["next_target"]))
        return lines


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
