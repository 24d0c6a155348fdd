"""Sentences that the report makes from numbers, in Chinese and English."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from perfml.evidence.columns import Column
from perfml.learning.validation.lists import Cases
from perfml.messages import Language, Message, render
from perfml.messages.reasons import owner_text
from perfml.project.model_spec import ModelSpec
from perfml.reasons.reasons import Reason
from perfml.report.numbers import Interval

STATUSES: dict[str, tuple[str, str]] = {
    "scored": ("已评分", "Scored"),
    "held": ("暂缓", "Held"),
    "thin": ("记录过少", "Record too thin"),
    "ineligible": ("不适用", "Not eligible"),
}
STAGES: dict[str, tuple[str, str]] = {
    "champion": ("在用版本，已有人批准", "champion: a person promoted this version"),
    "candidate": ("候选版本，尚无人批准", "candidate: nobody has promoted it"),
}
CAUSES: dict[str, tuple[str, str]] = {
    "voluntary": ("主动离职", "leaves by own choice"),
    "involuntary": ("被动离职", "leaves involuntarily"),
    "other": ("其他离职（退休、调出、去世）", "leaves otherwise (retirement, transfer, death)"),
    "staying": ("仍在职", "stays"),
}


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
    own = tuple(spec.label.exit_kinds) == ("voluntary",)
    if language == "zh":
        return f"{days} 天内{'主动' if own else ''}离职"
    return f"leave{' by their own choice' if own else ''} within {days} days"


def cause(name: str, language: Language) -> str:
    """Name how the horizon can end for a person; several ends predicted as one are joined.

    >>> cause("voluntary+involuntary", "en"), cause("staying", "zh")
    ('Leaves by own choice or leaves involuntarily', '仍在职')
    """
    zh = language == "zh"
    text = [CAUSES.get(part, (part, part))[0 if zh else 1] for part in name.split("+")]
    return "或".join(text) if zh else " or ".join(text).capitalize()


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
    lead = reason["values"][0] if reason["values"] else None
    column = columns.get(lead["column"]) if lead else None
    if lead is None or column is None:
        if reason["evidence"] == "other":
            return "其他证据" if language == "zh" else "All other evidence"
        return str(reason[language])
    text = column.text(lead["value"], lead["usual"], language)
    text = re.sub(r"(?<=\d) (?=[^\d(（])", "\N{NO-BREAK SPACE}", text)  # a number and its unit stay on one line
    return text[:1].upper() + text[1:]


def reasons(columns: Mapping[str, Column], language: Language) -> dict[str, str]:
    """Return the names of a model's reasons."""
    return {
        c.reason: c.reason_zh if language == "zh" else c.reason_en[:1].upper() + c.reason_en[1:]
        for c in columns.values()
    }


def owner(reason: Reason, language: Language) -> str:
    """State who can act on a reason, with a warning if the reason is not stable."""
    text = owner_text(reason["owner"], reason["steady"], language)
    return text if language == "zh" else text.removeprefix("the ").capitalize()


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
        rendered = rendered.replace(" “", "“").replace("” ", "”")
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
