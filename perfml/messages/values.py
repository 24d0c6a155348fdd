"""A value with its unit, as a person would write it, in English and Chinese."""

from __future__ import annotations

import math

from perfml.messages.message import Language, fill

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
SINGULAR = {
    "times": "time",
    "days": "day",
    "people": "person",
    "reviews": "review",
    "goals": "goal",
    "courses": "course",
    "changes": "change",
}
WITHOUT_UNIT = {"as logged", "rating", "level", "share", "percent", "yes or no"}
"""Units that are not written after the number in English."""


def value_text(number: float | None, unit: str, language: Language) -> str:
    """Write a value with its unit; None and NaN are not recorded.

    >>> value_text(12.0, "days", "en"), value_text(0.256, "share", "zh"), value_text(None, "days", "zh")
    ('12 days', '26 %', '无记录')
    >>> value_text(1.0, "times", "en")
    '1 time'
    """
    if number is None or math.isnan(number):
        return fill("not_recorded", language)
    if unit == "yes or no":
        return fill("value_yes" if number else "value_no", language)
    if unit == "share":
        return f"{number:.0%}".replace("%", " %")
    if unit == "percent":
        return f"{number:.0f} %"
    text = _plain(number)
    if language == "zh":
        return f"{text} {UNITS_ZH[unit]}" if unit in UNITS_ZH else text
    if unit in WITHOUT_UNIT:
        return text
    return f"{text} ×" if unit == "ratio" else f"{text} {SINGULAR.get(unit, unit) if number == 1 else unit}"


def _plain(number: float) -> str:
    if abs(number) >= 100 or number == round(number):
        text = f"{number:,.0f}"
    else:
        text = f"{number:.1f}" if abs(number) >= 1 else f"{number:.2g}"
    return text.replace("-", "−")
