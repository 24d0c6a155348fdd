"""The words of reasons and reports, in Simplified Chinese and English."""

from __future__ import annotations

import math
from typing import Literal

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
WITHOUT_UNIT = {"as logged", "rating", "level", "share", "percent", "yes or no"}
OWNERS: dict[str, tuple[str, str]] = {
    "employee": ("本人", "the employee"),
    "manager": ("上级", "the manager"),
    "company": ("公司", "the company"),
    "data": ("数据", "the data"),
}
OTHER = ("其他证据", "all other evidence")


def value(number: float | None, unit: str, language: Language) -> str:
    """A value with its unit, as a person would write it.

    >>> value(12.0, "days", "en"), value(0.256, "share", "zh"), value(None, "days", "zh"), value(2.31, "standard deviations", "en")
    ('12 days', '26 %', '无记录', '2.3 standard deviations')
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
    return f"{text} ×" if unit == "ratio" else f"{text} {unit}"


def _plain(number: float) -> str:
    if abs(number) >= 100 or number == round(number):
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 1 else f"{number:.2g}"


def reason(title: str, meaning: str, given: str, usual: str, *, raises: bool, language: Language) -> str:
    """One line of an explanation; the title is left out where the meaning says it already."""
    if title.lower() in meaning.lower():
        title = ""
    if language == "zh":
        return f"{title}{'：' if title else ''}{meaning} {given}（通常 {usual}），{'推高' if raises else '降低'}风险"
    return f"{title}{': ' if title else ''}{meaning}: {given} (usually {usual}); {'raises' if raises else 'lowers'} the risk"


def other(*, raises: bool, language: Language) -> str:
    """The line that holds all that is not listed."""
    if language == "zh":
        return f"{OTHER[0]}合计，{'推高' if raises else '降低'}风险"
    return f"{OTHER[1]} together; {'raises' if raises else 'lowers'} the risk"
