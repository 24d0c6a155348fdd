"""A person's risk and evidence over time."""

from __future__ import annotations

import datetime as dt
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from perfml.report.overview import Trace, trend

NAN = math.nan


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in drawn(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_trend_has_a_panel_for_each_course_and_no_line_over_a_gap() -> None:
    dates = [dt.date(2026, month, 1) for month in range(4, 10)]
    whole = Trace("Risk", [0.1, 0.1, 0.2, 0.2, 0.3, 0.34], [0.1] * 6, share=True)
    gap = Trace("加班", [1, 2, NAN, 4, 5, 6], [3] * 6)
    nothing = Trace("nobody knows", [NAN] * 6, [NAN] * 6)
    svg = trend(dates, [whole, gap, nothing], person="E1", median="通常", title="t")
    labels = texts(svg)
    assert {"E1", "通常", "Risk", "加班", "nobody knows", "34 %", "6", "2026-09-01"} <= set(labels)
    lines = len(re.findall(r"<path[^>]*var\(--accent", svg))
    assert lines == 1 + 5 + 3, "the legend, five steps of the whole trace, and three of the one with a gap"


@pytest.mark.parametrize("width", [330, 560])
def test_dates_do_not_run_into_each_other(width: float) -> None:
    dates = [dt.date(2024, 1, 1) + dt.timedelta(weeks=4 * number) for number in range(30)]
    svg = trend(
        dates, [Trace("x", [float(n) for n in range(30)], [1.0] * 30)], person="a", median="b", title="t", width=width
    )
    places = sorted(float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*>\d{4}-\d\d-\d\d<', svg))
    assert len(places) >= 2 and all(b - a > 66 for a, b in pairwise(places))
