"""How the dates of a column are written, recognised from its values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence

from perfml.project.mapping_spec import EXCEL

ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?")
"""What is read without a format."""
DAYS = (
    *("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m-%d"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
SERIALS = range(20_000, 60_000)
"""Days since 1899-12-30 that a spreadsheet's date of this age can be: 1954 to 2064."""
ENOUGH = 0.98
"""Share of the values that a format must read."""


def date_formats(values: Sequence[str]) -> tuple[str, ...] | None:
    """The formats that read (nearly) all ``values``: empty where they are ISO, several where they differ in the order of day
    and month and nothing decides; None where they are no dates.

    >>> date_formats(["2024-03-31"]), date_formats(["31/12/2024", "01/02/2024"]), date_formats(["01/02/2024"])
    ((), ('%d/%m/%Y',), ('%d/%m/%Y', '%m/%d/%Y'))
    """
    if not values:
        return None
    if _share(values, lambda text: ISO.fullmatch(text) is not None) >= ENOUGH:
        return ()
    if _share(values, lambda text: text.isdigit() and int(text) in SERIALS) >= ENOUGH:
        return (EXCEL,)
    shape = values[0]
    fitting = [
        day + time
        for day in DAYS
        for time in TIMES
        if (":" in shape) == (time != "") and reads_dates(values, day + time)
    ]
    return tuple(fitting) or None


def reads_dates(values: Sequence[str], style: str) -> bool:
    """Whether ``style`` reads (nearly) all values, as dates since 1900."""
    misses = 0
    for text in values:
        try:
            year = dt.datetime.strptime(text, style).year
        except ValueError:
            year = 0
        misses += year < 1900
        if misses > (1 - ENOUGH) * len(values):
            return False
    return True


def _share(values: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, values)) / len(values)
