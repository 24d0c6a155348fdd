"""Sentences that the report makes from numbers, in Chinese and English."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from perfml.evidence.columns import Column
from perfml.learning.validation.lists import Cases
from perfml.messages import Language, Message, render
from perfml.messages.reasons import OWNERS, owner_text
from perfml.project.model_spec import ModelSpec
from perfml.reasons.record import Reason
from perfml.reasons.wording import evidence as worded_evidence
from perfml.report.numbers import Interval

STATUSES: dict[str, tuple[str, str]] = {
    "scored": ("已评分", "Scored"),
    "held": ("暂缓", "Held"),
    "thin": ("记录过少", "Record too thin"),
    "opted_out": ("已退出", "Opted out"),
    "ineligible": ("不适用", "Not eligible"),
}
STAGES: dict[str, tuple[str, str]] = {
    "champion": ("在用版本，已有人批准", "champion: a person promoted this version"),
    "candidate": ("候选版本，尚无人批准", "candidate: nobody has promoted it"),
}
GROUPS: dict[str, tuple[str, str]] = {
    "talk": ("沟通", "Talk to"),
    "setting": ("改善环境", "Support the setting"),
    "further": ("改善环境（后续）", "Setting, next"),
    "watch": ("关注", "Watch"),
    "later": ("远期", "Later"),
}
"""Groups of a list, in Chinese and English."""


def natural_frequency(probability: float, language: Language) -> str:
    """Write a probability as a natural frequency, which people understand best (Gigerenzer & Hoffrage 1995).

    >>> natural_frequency(0.234, "en"), natural_frequency(0.234, "zh"), natural_frequency(0.0042, "en")
    ('about 23 of 100', '100 人中约 23 人', 'about 4 of 1,000')
    """
    zh = language == "zh"
    if probability < 0.0005:
        return "1000 人中不到 1 人" if zh else "fewer than 1 of 1,000"
    if probability > 0.995:
        return "100 人中超过 99 人" if zh else "more than 99 of 100"
    of = 100 if probability >= 0.0095 else 1000
    cases = math.floor(probability * of + 0.5)
    return f"{of} 人中约 {cases} 人" if zh else f"about {cases} of {of:,}"


def outcome(spec: ModelSpec, days: int, language: Language) -> str:
    """Name the predicted outcome, as the end of a sentence about people."""
    if spec.label.kind == "low_review":
        most = f"{spec.label.low_at_most:g}"
        if language == "zh":
            return f"{days} 天内绩效评级为 {most} 或更低"
        return f"get a rating of {most} or lower within {days} days"
    if spec.label.kind == "event":
        return f"{days} 天内出现{spec.label.zh}" if language == "zh" else f"have {spec.label.en} within {days} days"
    own = tuple(spec.label.exit_kinds) == ("voluntary",)
    if language == "zh":
        return f"{days} 天内{'主动' if own else ''}离职"
    return f"leave{' by their own choice' if own else ''} within {days} days"


def cases(counted: Cases, language: Language) -> str:
    """Write an expected number of people with its interval.

    >>> cases(Cases(7.4, 2.0, 11.0), "en"), cases(Cases(7.4, 2.0, 11.0), "zh")
    ('about 7 (2 to 11)', '约 7 人（2 至 11）')
    """
    zh = language == "zh"
    text = f"{counted.expected:.0f}", f"{counted.low:.0f}", f"{counted.high:.0f}"
    return "约 {} 人（{} 至 {}）".format(*text) if zh else "about {} ({} to {})".format(*text)


def evidence(reason: Reason, columns: Mapping[str, Column], language: Language) -> str:
    """Return a reason without the word for its direction, which is shown next to it."""
    if reason["evidence"] == "other":
        return "其他依据" if language == "zh" else "All other evidence"
    text = worded_evidence(reason, columns, language)
    text = re.sub(r"(?<=\d) (?=[^\d(（])", "\N{NO-BREAK SPACE}", text)  # a number and its unit stay on one line
    return text[:1].upper() + text[1:]


def reason_name(columns: Mapping[str, Column], reason: str, language: Language) -> str:
    """Return the name of a reason, with its first column where others share the name; its code where no column belongs to it."""
    column = next((column for column in columns.values() if column.reason == reason), None)
    if column is None:
        return reason
    zh = language == "zh"
    title, meaning = (column.reason_zh, column.zh) if zh else (column.reason_en, column.en)
    shared = any(other.reason != reason and other.reason_en == column.reason_en for other in columns.values())
    text = f"{title}{'：' if zh else ': '}{meaning}" if shared else title
    return text[:1].upper() + text[1:]


def owner(reason: Reason, language: Language) -> str:
    """State who can act on a reason, with a mark if the reason is not stable."""
    return _heading(owner_text(reason["owner"], reason["steady"], language))


def owner_name(owner: str, language: Language) -> str:
    """Name an owner, as a heading.

    >>> owner_name("manager", "en"), owner_name("manager", "zh")
    ('Manager', '上级')
    """
    return _heading(OWNERS[owner][language])


def _heading(owner: str) -> str:
    return owner.removeprefix("the ").capitalize()


def tenure(days: int, language: Language) -> str:
    """Write how long somebody has been here, in the unit that people use.

    >>> tenure(1200, "en"), tenure(40, "zh"), tenure(400, "en")
    ('3 years', '1 个月', '1 year')
    """
    count, en, zh = (days // 365, "year", "年") if days >= 365 else (days // 30, "month", "个月")
    return f"{count} {zh}" if language == "zh" else f"{count} {en}{'' if count == 1 else 's'}"


def number(value: float | None, language: Language) -> str:
    """Write a target or a weight with as many digits as people write."""
    if value is None or math.isnan(value):
        return render(Message.of("report_no_number"), language)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def baseline(names: Sequence[str], columns: Mapping[str, Column], language: Language) -> str:
    """Write the baseline's columns in words."""
    if not names:
        return "随机排序" if language == "zh" else "chance"
    text = [(columns[n].zh if language == "zh" else columns[n].en) if n in columns else n for n in names]
    return "、".join(text) if language == "zh" else " and ".join(text)


def sentence(message: Message, columns: Mapping[str, Column], language: Language) -> str:
    """Render a recorded message as a full sentence; columns appear by their meaning, in quotation marks."""
    zh = language == "zh"
    names = {name: f"“{column.zh if zh else column.en}”" for name, column in columns.items()}
    rendered = render(message, language, names=names)
    if zh:  # a space separates Chinese from a column's own name, not from a quotation
        return rendered.replace(" “", "“").replace("” ", "”")
    return rendered[:1].upper() + rendered[1:]


def figure(interval: Interval, language: Language, *, digits: int = 3) -> str:
    """Write a figure with its interval.

    >>> figure(Interval(0.8, 0.75, 0.85), "en", digits=2), figure(Interval(None, None, None), "zh")
    ('0.80 (0.75–0.85)', '无法估计')
    """
    if interval.value is None:
        return "无法估计" if language == "zh" else "not estimated"
    text = f"{interval.value:.{digits}f}"
    if interval.low is None or interval.high is None:
        return text
    low, high = (f"{end:.{digits}f}" for end in (interval.low, interval.high))
    return f"{text}（{low}–{high}）" if language == "zh" else f"{text} ({low}–{high})"
