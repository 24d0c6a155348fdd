"""How months and periods are written in a column; days: :mod:`perfml.evidence.exports.date_formats`."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Sequence

from perfml.evidence.exports.date_formats import dates_read

MONTHS = ("%Y-%m", "%Y/%m", "%Y年%m月", "%Y%m", "%b %Y", "%m/%Y")
YEARS = range(1950, 2101)
_PERIOD = re.compile(
    r"(?:FY\s*)?(?P<year>\d{4})\s*(?:年度?|财年)?\s*[-/_ ]?\s*"
    r"(?P<part>上半年度?|下半年度?|全年|H[12]|Q[1-4]|第?[一二三四1-4]季度|年度|年终|年末|年中|)$",
    re.IGNORECASE,
)
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4}


def month_format(values: Sequence[str]) -> str | None:
    """The format of months without a day.

    >>> month_format(["2024-03", "2024-11"]), month_format(["2024年3月"])
    ('%Y-%m', '%Y年%m月')
    """
    return next((style for style in MONTHS if values and dates_read(values, style) is not None), None)


def period_of(text: str) -> tuple[dt.date, dt.date] | None:
    """The first and last day of a period in words; None where it is none.

    >>> period_of("2024年上半年"), period_of("2024 Q3")
    ((datetime.date(2024, 1, 1), datetime.date(2024, 6, 30)), (datetime.date(2024, 7, 1), datetime.date(2024, 9, 30)))
    """
    match = _PERIOD.fullmatch(text.strip())
    if match is None or int(match["year"]) not in YEARS:
        return None
    year, part = int(match["year"]), match["part"].upper()
    first, months = 1, 12
    if part in ("H1", "上半年", "上半年度", "年中"):
        months = 6
    elif part in ("H2", "下半年", "下半年度"):
        first, months = 7, 6
    elif part.startswith("Q") or part.endswith("季度"):
        number = part.removeprefix("第").removesuffix("季度").removeprefix("Q")
        first, months = 3 * (_QUARTERS.get(number) or int(number)) - 2, 3
    last = first + months - 1
    return dt.date(year, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1])


def latest_day(values: Iterable[str], style: str | None) -> dt.date | None:
    """The latest of dates written in ``style`` (default: ISO); what is no date counts for nothing.

    >>> latest_day(["2024-01-31 10:00:00", "2023-12-01", ""], None)
    datetime.date(2024, 1, 31)
    """
    days = []
    for text in values:
        try:
            read = dt.datetime.strptime(text, style) if style else dt.datetime.fromisoformat(text)
        except ValueError:
            continue
        days.append(read.date())
    return max(days, default=None)


def are_periods(values: Iterable[str]) -> bool:
    """Whether all values are periods in words."""
    listed = list(values)
    return bool(listed) and all(period_of(text) for text in listed)
