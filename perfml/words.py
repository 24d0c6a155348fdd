"""The words of reasons and reports, in Simplified Chinese and English."""

from __future__ import annotations

import math
from typing import Literal

from perfml.errors import PerfmlError

Language = Literal["zh", "en"]

UNITS_ZH = {
    "times": "次",
    "events": "次",
    "days": "天",
    "people": "人",
    "rating": "分",
    "reviews": "次",
    "goals": "个",
    "courses": "门",
    "changes": "次",
    "level": "级",
    "ratio": "倍",
    "events a day": "次/天",
    "standard deviations": "个标准差",
}
ONE = {
    "times": "time",
    "days": "day",
    "people": "person",
    "reviews": "review",
    "goals": "goal",
    "courses": "course",
    "changes": "change",
}
WITHOUT_UNIT = {"as logged", "rating", "level", "share", "percent", "yes or no"}
OWNERS: dict[str, tuple[str, str]] = {
    "employee": ("本人", "the employee"),
    "manager": ("上级", "the manager"),
    "company": ("公司", "the company"),
    "data": ("数据", "the data"),
}
UNSTEADY = ("重新训练后会变", "changes when learnt again")
"""Of a reason that seldom leads once the model is learnt anew from other people."""
OTHER = ("其他证据", "all other evidence")


def value(number: float | None, unit: str, language: Language) -> str:
    """A value with its unit, as a person would write it.

    >>> value(12.0, "days", "en"), value(0.256, "share", "zh"), value(None, "days", "zh"), value(1.0, "times", "en")
    ('12 days', '26 %', '无记录', '1 time')
    """
    zh = language == "zh"
    if number is None or math.isnan(number):
        return "无记录" if zh else "not recorded"
    if unit == "yes or no":
        return ("是" if number else "否") if zh else ("yes" if number else "no")
    if unit == "share":
        return f"{number:.0%}".replace("%", " %")
    if unit == "percent":
        return f"{number:.0f} %"
    text = _plain(number)
    if zh:
        return f"{text} {UNITS_ZH[unit]}" if unit in UNITS_ZH else text
    if unit in WITHOUT_UNIT:
        return text
    return f"{text} ×" if unit == "ratio" else f"{text} {ONE.get(unit, unit) if number == 1 else unit}"


def _plain(number: float) -> str:
    if abs(number) >= 100 or number == round(number):
        text = f"{number:,.0f}"
    else:
        text = f"{number:.1f}" if abs(number) >= 1 else f"{number:.2g}"
    return text.replace("-", "−")


def _compared(number: float, language: Language) -> str:
    """A z-score as a distance from the usual."""
    size = f"{abs(number):.1f}"
    if size == "0.0":
        return "与均值相当" if language == "zh" else "about the mean"
    if language == "zh":
        return f"{'高' if number > 0 else '低'}于均值 {size} 个标准差"
    return f"{size} standard deviations {'above' if number > 0 else 'below'} the mean"


def evidence(title: str, meaning: str, given: float | None, usual: float | None, unit: str, language: Language) -> str:
    """What the evidence is, the person's value and the usual one; a comparison carries the usual in itself.

    The title is left out where the meaning says it already.
    """
    zh = language == "zh"
    head = "" if title.lower() in meaning.lower() else f"{title}{'：' if zh else ': '}"
    if unit == "standard deviations" and given is not None and not math.isnan(given):
        said = _compared(given, language)
    else:
        mine, common = (value(x, unit, language) for x in (given, usual))
        said = mine + (f"（通常 {common}）" if zh else f" (usually {common})")
    return f"{head}{meaning}{' ' if zh else ': '}{said}"


def direction(*, raises: bool, language: Language) -> str:
    """Where a reason pushes."""
    if language == "zh":
        return f"{'推高' if raises else '降低'}风险"
    return f"{'raises' if raises else 'lowers'} the risk"


def owned(owner: str, steady: bool | None, language: Language) -> str:
    """Who can act on a reason, and a warning where it is not steady.

    >>> owned("manager", False, "en"), owned("data", None, "zh")
    ('the manager; changes when learnt again', '数据')
    """
    place = 0 if language == "zh" else 1
    said = OWNERS[owner][place]
    return f"{said}{'；' if language == 'zh' else '; '}{UNSTEADY[place]}" if steady is False else said


def other(language: Language) -> str:
    """What is not listed by name."""
    return f"{OTHER[0]}合计" if language == "zh" else f"{OTHER[1]} together"


def reason(said: str, *, raises: bool, language: Language) -> str:
    """One line of an explanation: the evidence, and where it pushes.

    >>> reason("logins: 3 times (usually 12 times)", raises=True, language="en")
    'logins: 3 times (usually 12 times); raises the risk'
    """
    return f"{said}{'，' if language == 'zh' else '; '}{direction(raises=raises, language=language)}"


def evidence_of(reason_text: str, *, raises: bool, language: Language) -> str:
    """What :func:`reason` was made from. Raises :class:`PerfmlError` for what it did not make.

    >>> evidence_of(reason("logins: 3 times", raises=True, language="en"), raises=True, language="en")
    'logins: 3 times'
    """
    said = reason_text.removesuffix(reason("", raises=raises, language=language))
    if said == reason_text:
        raise PerfmlError("was worded by another version of perfml", where=reason_text, remedy="score that date again")
    return said
