"""A value with its unit, as a person would write it, in English and Chinese."""

from __future__ import annotations

import math

from perfml.messages.message import Language, fill

UNITS_ZH = {
    "times": "次",
    "events": "次",
    "days": "天",
    "weeks": "周",
    "people": "人",
    "rating": "分",
    "reviews": "次",
    "goals": "个",
    "courses": "门",
    "changes": "次",
    "level": "级",
    "ratio": "倍",
    "events a day": "次/天",
    "hours": "小时",
}
SINGULAR = {
    "times": "time",
    "days": "day",
    "weeks": "week",
    "people": "person",
    "reviews": "review",
    "goals": "goal",
    "courses": "course",
    "changes": "change",
    "hours": "hour",
}
WITHOUT_UNIT = {"as logged", "rating", "level", "share", "percent", "yes or no"}
"""Units that are not written after the number in English."""

MULTIPLES = {
    "multiple_hardly": 0.1,
    "multiple_quarter": 0.25,
    "multiple_third": 1 / 3,
    "multiple_half": 0.5,
    "multiple_two_thirds": 2 / 3,
    "multiple_three_quarters": 0.75,
    "multiple_same": 1.0,
    "multiple_half_more": 1.5,
    "multiple_twice": 2.0,
}
"""Words for a multiple, by the multiple they stand for."""
MANY_TIMES = 2.5
DAYS_PER_YEAR = 365.25
IN_MONTHS, IN_YEARS = 365, 730
"""Days from which on a duration is written in months, and in years."""


def value_text(number: float | None, unit: str, language: Language) -> str:
    """Write a value with its unit; None and NaN are not recorded.

    >>> value_text(12.0, "days", "en"), value_text(0.256, "share", "zh"), value_text(None, "days", "zh")
    ('12 days', '26 %', '无记录')
    >>> value_text(1.0, "times", "en"), value_text(0.45, "multiple", "en"), value_text(-3.21, "change a day", "en")
    ('1 time', 'half as many', '3.2 fewer a day')
    >>> value_text(1159.0, "days", "en"), value_text(388.0, "days", "zh"), value_text(364.0, "days", "en")
    ('3.2 years', '13 个月', '364 days')
    """
    if number is None or math.isnan(number):
        return fill("not_recorded", language)
    if unit == "yes or no":
        return fill("value_yes" if number else "value_no", language)
    if unit == "share":
        return f"{number:.0%}".replace("%", " %")
    if unit == "percent":
        return f"{number:.0f} %"
    if unit == "multiple":
        return _multiple(number, language)
    if unit == "change a day":
        return _change_a_day(number, language)
    if unit == "days" and number >= IN_YEARS:
        return fill("value_years", language, years=number / DAYS_PER_YEAR)
    if unit == "days" and number >= IN_MONTHS:
        return fill("value_months", language, months=12 * number / DAYS_PER_YEAR)
    text = _plain(number)
    if language == "zh":
        return f"{text} {UNITS_ZH[unit]}" if unit in UNITS_ZH else text
    if unit in WITHOUT_UNIT:
        return text
    return f"{text} ×" if unit == "ratio" else f"{text} {SINGULAR.get(unit, unit) if number == 1 else unit}"


def _multiple(number: float, language: Language) -> str:
    """A multiple of an earlier figure, as people say it: the nearest of :data:`MULTIPLES`."""
    if number == 0:
        return fill("multiple_none", language)
    if number >= MANY_TIMES:
        return fill("multiple_times", language, times=number)
    return fill(min(MULTIPLES, key=lambda code: abs(math.log(number / MULTIPLES[code]))), language)


def _change_a_day(number: float, language: Language) -> str:
    """A rise or a fall of a daily number, to one decimal."""
    if f"{abs(number):.1f}" == "0.0":
        return fill("as_many_a_day", language)
    return fill("more_a_day" if number > 0 else "fewer_a_day", language, number=f"{abs(number):.1f}")


def _plain(number: float) -> str:
    if abs(number) >= 100 or number == round(number):
        text = f"{number:,.0f}"
    else:
        text = f"{number:.1f}" if abs(number) >= 1 else f"{number:.2g}"
    return text.replace("-", "−")
