"""What a suggestion says, in Simplified Chinese and English: what, from, to, why, and what bounded it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from perfml.project.target_policy import TargetPolicy

Why = Literal[
    "window",
    "no_forecast",
    "no_outside",
    "effort",
    "unexplained",
    "excess",
    "small",
    "blocked",
    "refused",
    "held",
    "definition",
]
PARTS: Final[dict[str, tuple[str, str]]] = {
    "market": ("市场", "the market"),
    "season": ("季节", "the season"),
    "definition": ("口径", "the definition"),
    "own": ("个人投入", "own effort"),
}


@dataclass(frozen=True)
class Text:
    """The same in two languages."""

    zh: str
    en: str


def amount(number: float) -> str:
    """A number of any unit, as a person would write it.

    >>> amount(1234567.8), amount(12.345), amount(0.5), amount(60.0)
    ('1,234,568', '12.3', '0.5', '60')
    """
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) < 100 else f"{number:.0f}"


def percent(share: float, *, signed: bool = False) -> str:
    """A share in percent.

    >>> percent(-0.153, signed=True), percent(0.4)
    ('−15 %', '40 %')
    """
    return f"{100 * share:{'+' if signed else ''}.0f} %".replace("-", "−")


def rule_texts(policy: TargetPolicy) -> Mapping[str, Text]:
    """What each of ``perfml.advice.targets.programme.RULES`` says under this policy."""
    p = {
        name: amount(getattr(policy, name))
        for name in type(policy).model_fields
        if name.endswith(("percent", "points"))
    }
    low, high = percent(policy.band.low), percent(policy.band.high)
    target, year = p["max_target_change_percent"], p["max_target_change_per_year_percent"]
    points, points_year = p["max_weight_change_points"], p["max_weight_change_per_year_points"]
    least = p["minimum_weight_percent"]
    return {
        "core": Text("核心目标的目标值和权重均不调整", "core goals move neither target nor weight"),
        "outside": Text(
            "目标只随市场、季节和口径的变化调整，不因个人投入调整",
            "a target moves as far as market, season and definition did, never for own effort",
        ),
        "window": Text(f"每个窗口期目标最多调整 {target} %", f"a target moves at most {target} % in one window"),
        "year": Text(f"365 天内目标累计最多调整 {year} %", f"a target moves at most {year} % within 365 days"),
        "band": Text(
            f"只调整到达成概率进入 {low} 至 {high} 的区间为止",
            f"no further than until the goal is reached with a probability of {low} to {high}",
        ),
        "total": Text("下级目标之和须与上级目标一致", "the goals of a team add up to the goal above them"),
        "weight_window": Text(
            f"每个窗口期权重最多调整 {points} 分", f"a weight moves at most {points} points in one window"
        ),
        "weight_year": Text(
            f"365 天内权重累计最多调整 {points_year} 分", f"a weight moves at most {points_year} points within 365 days"
        ),
        "minimum_weight": Text(f"权重不低于 {least} %", f"no weight falls below {least} %"),
        "weight_sum": Text(
            "本周期的权重之和不是 100，须先更正",
            "the weights of this period do not sum to 100, which has to be mended first",
        ),
        "no_receiver": Text(
            "本人没有其他可达成且可调整的非核心目标来承接权重",
            "the person has no other goal, not a core one, that can be reached and can take up more weight",
        ),
    }


def gap(parts: Mapping[str, float]) -> Text:
    """The outside parts that matter, as shares.

    >>> gap({"market": -0.5, "season": 0.0, "definition": 0.0, "own": -0.1}).en
    'the market −39 %'
    """
    said = [
        (name, percent(math.expm1(part), signed=True))
        for name, part in parts.items()
        if name != "own" and abs(part) >= 0.005
    ]
    zh = "、".join(f"{PARTS[name][0]} {share}" for name, share in said)
    en = ", ".join(f"{PARTS[name][1]} {share}" for name, share in said)
    return Text(zh, en)


@dataclass(frozen=True)
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
    """Whether the goal itself is out of the band; else it moves for a total, or takes up weight."""


def proposal(one: Proposed, bounds: Sequence[Text]) -> Text:
    """One or two sentences: what moves from where to where, why, and what bounded it."""
    moves = one.new_target != one.old_target
    shifts = one.new_weight != one.old_weight
    zh, en = [], []
    if moves:
        share = percent(one.new_target / one.old_target - 1, signed=True)
        zh.append(f"目标值由 {amount(one.old_target)} 调整为 {amount(one.new_target)}（{share}）")
        en.append(f"the target from {amount(one.old_target)} to {amount(one.new_target)} ({share})")
    if shifts:
        zh.append(f"权重由 {amount(one.old_weight)} % 调整为 {amount(one.new_weight)} %")
        en.append(f"the weight from {amount(one.old_weight)} % to {amount(one.new_weight)} %")
    forecast = f"{amount(one.expected)} [{amount(one.low)}, {amount(one.high)}]"
    outside = gap(one.parts)
    if not outside.zh:
        outside = Text("上期超额完成后目标的上调", "the rise after the last target was outdone")
    if one.own_need:
        reach = percent(one.before) if one.after == one.before else f"{percent(one.before)} → {percent(one.after)}"
        why = Text(
            f"外部影响为{outside.zh}；预计期末完成 {forecast}，达成概率 {reach}",
            f"from outside, {outside.en}; the forecast is {forecast}, reached with a probability of {reach}",
        )
    elif moves:
        why = Text("使下级目标之和与上级目标一致", "so that the goals of the team still add up to the goal above them")
    else:
        why = Text(
            f"承接本人另一项已难以达成的目标让出的权重；本目标达成概率 {percent(one.before)}",
            f"it takes up what another goal of this person, out of reach, gives up; this one is reached with a probability of"
            f" {percent(one.before)}",
        )
    said_zh = f"建议将 {one.metric} 的{'，'.join(zh)}：{why.zh}。"
    said_en = f"Move, for {one.metric}, {' and '.join(en)}: {why.en}."
    if one.own_need and bounds:
        said_zh += f"受限于：{'；'.join(bound.zh for bound in bounds)}。"
        said_en += f" Bounded: {'; '.join(bound.en for bound in bounds)}."
    return Text(said_zh, said_en)


def fits(metric: str, probability: float) -> Text:
    """That a goal is inside the band."""
    return Text(
        f"{metric} 的目标合适：达成概率 {percent(probability)}。",
        f"The target of {metric} fits: it is reached with a probability of {percent(probability)}.",
    )


def why_not(
    why: Why,
    policy: TargetPolicy,
    *,
    as_of: dt.date,
    bounds: Sequence[Text] = (),
    detail: tuple[str, str] = ("", ""),
) -> Text:
    """Why nothing is suggested.

    ``detail``: what is held, how far the others are behind, or the definitions of target and actual.
    """
    first, last = policy.next_window(as_of)
    match why:
        case "window":
            return Text(
                f"不在调整窗口期内，下一个窗口期为 {first} 至 {last}。",
                f"No window is open; the next one is from {first} to {last}.",
            )
        case "no_forecast":
            return Text(
                "没有足够的历史数据预测期末完成值。", "There is not enough history to forecast the final value."
            )
        case "no_outside":
            return Text(
                "没有可用的外部数据，也没有季节规律，无法说明差距来自外部。",
                "No external data is of use and no season is known: nothing shows that the gap comes from outside.",
            )
        case "effort":
            return Text(
                "差距来自个人投入，市场、季节和口径未造成需要调整的变化；个人投入不调整目标。",
                "The gap is own effort: market, season and definition did not move enough. Own effort never moves a target.",
            )
        case "unexplained":
            return Text(
                f"同指标同范围的其他目标也落后（{detail[0]}），但目标设定以来没有已知的外部数据说明原因。",
                f"The others on this metric and scope are behind too ({detail[0]}), but no signal since it was set shows why.",
            )
        case "excess":
            return Text(
                "超出目标的部分来自个人投入，本期目标不因此提高。",
                "What goes beyond the target is own effort, for which the target of this period does not rise.",
            )
        case "small":
            least = amount(policy.least_target_change_percent)
            return Text(
                f"距区间不足 {least} %，不值得调整。",
                f"It is less than {least} % outside the band, which is not worth a change.",
            )
        case "blocked":
            zh, en = ("；".join(b.zh for b in bounds), "; ".join(b.en for b in bounds))
            return Text(f"规则不允许调整：{zh}。", f"The rules leave no room: {en}.")
        case "refused":
            return Text(
                "相同的建议在本窗口期内已被拒绝，不再重复。",
                "The same suggestion was refused in this window, and is not repeated.",
            )
        case "held":
            return Text(
                f"数据有问题，暂不提供：{detail[0]}。", f"Held, because the data behind it is broken: {detail[0]}."
            )
        case "definition":
            return Text(
                f"目标按口径“{detail[0]}”设定，完成值按口径“{detail[1]}”统计，两者不可比较；请按新口径重设目标。",
                f"The target was set under definition {detail[0]!r} and the actual is measured under {detail[1]!r}: they are not"
                " compared. Restate the target under the definition that is measured.",
            )


# ---- evidence ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One piece of evidence with its value as it was known."""

    what: str
    value: float
    zh: str
    en: str


def progress_line(day: dt.date, actual: float) -> Line:
    """What was last measured."""
    return Line("progress", actual, f"截至 {day} 完成 {amount(actual)}", f"{amount(actual)} by {day}")


def version_line(version: int, first: float) -> Line:
    """That the target is not the first one."""
    zh = f"目标的第 {version} 个版本，最初为 {amount(first)}"
    return Line("first_target", first, zh, f"version {version} of the target, which first was {amount(first)}")


def signal_line(name: str, month: dt.date, value: float) -> Line:
    """The newest value of an external signal, a relative change."""
    share = percent(value, signed=True)
    return Line(name, value, f"{name} {month:%Y-%m}：{share}", f"{name} of {month:%Y-%m}: {share}")


def peers_line(moved: float, others: int) -> Line:
    """How the others on the same metric and scope move, as a share."""
    share = percent(moved, signed=True)
    zh = f"同指标同范围的其他 {others} 项目标较自身常态 {share}"
    return Line("peers", moved, zh, f"the {others} others on this metric and scope against their usual: {share}")


def next_target_line(most: float) -> Line:
    """How far the last period's result passes on."""
    zh = f"上期超额完成后，本期目标至多为 {amount(most)}"
    return Line("next_target", most, zh, f"after the last target was outdone, this one is at most {amount(most)}")
