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
EARLIEST = 1900
"""The first year that a date may have."""
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
    readings: dict[tuple[dt.datetime, ...], str] = {}  # %b and %B read the same of May
    for day in DAYS:
        for time in TIMES:
            if (":" in shape) == (time != "") and (read := dates_read(values, day + time)) is not None:
                readings.setdefault(read, day + time)
    return tuple(readings.values()) or None


def dates_read(values: Sequence[str], style: str) -> tuple[dt.datetime, ...] | None:
    """The values as ``style`` reads them; None unless it reads (nearly) all, as dates since 1900."""
    read: list[dt.datetime] = []
    for number, text in enumerate(values, start=1):
        try:
            moment = dt.datetime.strptime(text, style)
        except ValueError:
            moment = dt.datetime.min
        if moment.year >= EARLIEST:
            read.append(moment)
        elif number - len(read) > (1 - ENOUGH) * len(values):
            return None
    return tuple(read)


def _share(values: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, values)) / len(values)
