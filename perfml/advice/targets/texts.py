"""Messages about suggestions: what changes, from what to what, why, and what limits it.

Templates in Chinese and English stand in ``perfml/messages/targets.toml``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from perfml.messages import Message, Value
from perfml.project.target_policy import TargetPolicy

Why = Literal[
    "window",
    "no_forecast",
    "no_progress",
    "no_outside",
    "effort",
    "unexplained",
    "excess",
    "small",
    "blocked",
    "refused",
    "held",
    "definition",
    "beyond",
    "futile",
    "outside",
]
_WHY_NOT: Final[Mapping[Why, str]] = {
    "window": "target_none_window",
    "no_forecast": "target_none_no_forecast",
    "no_progress": "target_none_no_progress",
    "no_outside": "target_none_no_outside",
    "effort": "target_none_effort",
    "unexplained": "target_none_unexplained",
    "excess": "target_none_excess",
    "small": "target_none_small",
    "blocked": "target_none_blocked",
    "refused": "target_none_refused",
    "held": "target_none_held",
    "definition": "target_none_definition",
    "beyond": "target_none_beyond",
    "futile": "target_none_futile",
    "outside": "target_none_outside",
}
PARTS: Final = ("market", "season", "definition", "own")
"""The parts of a gap, in the order in which they are named."""
_OUTSIDE_PARTS: Final = {
    "market": "target_part_market",
    "season": "target_part_season",
    "definition": "target_part_definition",
}


def amount(number: float) -> str:
    """Format a number of any unit with three significant digits.

    >>> amount(1234567.8), amount(12.345), amount(0.5), amount(60.0)
    ('1,234,568', '12.3', '0.5', '60')
    """
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) < 100 else f"{number:.0f}"


def percent(share: float, *, signed: bool = False) -> str:
    """Format a share in percent.

    >>> percent(-0.153, signed=True), percent(0.4)
    ('−15 %', '40 %')
    """
    return f"{100 * share:{'+' if signed else ''}.0f} %".replace("-", "−")


def listed(code: str, items: Sequence[Message | str]) -> Message | str:
    """``items`` joined by the template ``code``, which has the fields ``first`` and ``rest``; empty without items."""
    if not items:
        return ""
    first, *rest = items
    return Message.of(code, first=first, rest=listed(code, rest)) if rest else first


def rule_texts(policy: TargetPolicy) -> Mapping[str, Message]:
    """What each of ``perfml.advice.targets.programme.RULES`` demands under ``policy``."""
    low, high = percent(policy.band.low), percent(policy.band.high)
    window, year = amount(policy.max_target_change_percent), amount(policy.max_target_change_per_year_percent)
    points, points_year = amount(policy.max_weight_change_points), amount(policy.max_weight_change_per_year_points)
    return {
        "core": Message.of("target_rule_core"),
        "outside": Message.of("target_rule_outside"),
        "window": Message.of("target_rule_window", most=window),
        "year": Message.of("target_rule_year", most=year),
        "band": Message.of("target_rule_band", low=low, high=high),
        "total": Message.of("target_rule_total"),
        "weight_window": Message.of("target_rule_weight_window", most=points),
        "weight_year": Message.of("target_rule_weight_year", most=points_year),
        "minimum_weight": Message.of("target_rule_minimum_weight", least=amount(policy.minimum_weight_percent)),
        "weight_sum": Message.of("target_rule_weight_sum"),
        "no_receiver": Message.of("target_rule_no_receiver"),
    }


def outside_parts(parts: Mapping[str, float]) -> list[Message]:
    """The parts from outside that matter, as shares.

    >>> from perfml.messages import render
    >>> [render(part, "en") for part in outside_parts({"market": -0.5, "season": 0.0, "definition": 0.0, "own": -0.1})]
    ['the market −39 %']
    """
    return [
        Message.of(code, share=percent(math.expm1(parts[name]), signed=True))
        for name, code in _OUTSIDE_PARTS.items()
        if abs(parts[name]) >= 0.005
    ]


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """The numbers of one suggestion; targets and forecasts in the goal's unit, weights in points."""

    metric: str
    old_target: float
    new_target: float
    old_weight: float
    new_weight: float
    expected: float
    low: float
    high: float
    before: float
    after: float
    parts: Mapping[str, float]
    own_need: bool
    """Whether the goal itself is outside the band; otherwise it moves for a total, or takes weight."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The limit that keeps a target out of reach: of a window or, with ``within_year``, what is left of that of a year."""

    percent: float
    within_year: bool
    falls: bool
    """Whether the target would have to fall; otherwise it would have to rise."""


def proposal(numbers: Proposed, bounds: Sequence[Message], *, beyond: Limit | None = None) -> Message:
    """What changes from what to what, why, and what limits it. ``beyond``: the limit that keeps the target out of reach;
    that the advice on the target cannot help comes first."""
    text = Message.of("target_proposal", metric=numbers.metric, moves=_moves(numbers), why=_cause(numbers))
    if beyond is not None:
        text = Message.of("target_beyond_first", beyond=_out_of_reach(numbers.metric, beyond), proposal=text)
    if not (numbers.own_need and bounds):
        return text
    return Message.of("target_proposal_bounded", proposal=text, bounds=listed("target_also", bounds))


def beyond(metric: str, limit: Limit, bounds: Sequence[Message]) -> Message:
    """The limits do not bring a goal into reach, and nothing else about it moves."""
    text = Message.of("target_none_beyond", beyond=_out_of_reach(metric, limit))
    return (
        Message.of("target_proposal_bounded", proposal=text, bounds=listed("target_also", bounds)) if bounds else text
    )


def _out_of_reach(metric: str, limit: Limit) -> Message:
    code = "target_beyond_low" if limit.falls else "target_beyond_high"
    within = Message.of("target_within_year" if limit.within_year else "target_within_window")
    return Message.of(code, metric=metric, most=amount(round(limit.percent, 1)), within=within)


def _moves(numbers: Proposed) -> Message:
    old, new = numbers.old_target, numbers.new_target
    target = Message.of(
        "target_move_target", old=amount(old), new=amount(new), share=percent(new / old - 1, signed=True)
    )
    weight = Message.of("target_move_weight", old=amount(numbers.old_weight), new=amount(numbers.new_weight))
    if new == old:
        return weight
    if numbers.new_weight == numbers.old_weight:
        return target
    return Message.of("target_move_both", target=target, weight=weight)


def _cause(numbers: Proposed) -> Message:
    before, after = percent(numbers.before), percent(numbers.after)
    if numbers.own_need:
        return Message.of(
            "target_because_outside",
            outside=listed("target_and", outside_parts(numbers.parts) or [Message.of("target_part_ratchet")]),
            expected=amount(numbers.expected),
            low=amount(numbers.low),
            high=amount(numbers.high),
            reach=before if numbers.after == numbers.before else f"{before} → {after}",
        )
    if numbers.new_target != numbers.old_target:
        return Message.of("target_because_total")
    return Message.of("target_because_weight", reach=before)


def fits(metric: str, probability: float) -> Message:
    """The target is inside the band."""
    return Message.of("target_fits", metric=metric, reach=percent(probability))


def why_not(why: Why, policy: TargetPolicy, *, as_of: dt.date, **values: Value) -> Message:
    """Why nothing is suggested; ``values``: the fields of the template other than those of the policy."""
    if why == "window":
        first, last = policy.next_window(as_of)
        values |= {"first": str(first), "last": str(last)}
    elif why == "small":
        values |= {"least": amount(policy.least_target_change_percent)}
    return Message.of(_WHY_NOT[why], **values)


@dataclass(frozen=True)
class ReasonLine:
    """One piece of evidence with its value as known."""

    what: str
    value: float
    text: Message


def progress_line(day: dt.date, actual: float) -> ReasonLine:
    """The newest measurement."""
    return ReasonLine("progress", actual, Message.of("target_line_progress", day=str(day), actual=amount(actual)))


def version_line(version: int, first: float) -> ReasonLine:
    """The target has been changed before."""
    return ReasonLine("first_target", first, Message.of("target_line_version", version=version, first=amount(first)))


def signal_line(name: str, month: dt.date, value: float) -> ReasonLine:
    """The newest value of an external signal, a relative change."""
    share = percent(value, signed=True)
    return ReasonLine(name, value, Message.of("target_line_signal", name=name, month=f"{month:%Y-%m}", share=share))


def peers_line(moved: float, others: int) -> ReasonLine:
    """The median lead of the other goals on the same metric and scope, as a share."""
    share = percent(moved, signed=True)
    return ReasonLine("peers", moved, Message.of("target_line_peers", others=others, share=share))


def next_target_line(most: float) -> ReasonLine:
    """How far the result of the last period passes on."""
    return ReasonLine("next_target", most, Message.of("target_line_next_target", most=amount(most)))
