"""What leads among the people of a list, and a person's risk and evidence over time."""

from __future__ import annotations

import datetime as dt
import math
import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from perfml.report.overview import Leads, Trace, leading, summary, trend

NAN = math.nan


def row(*reasons: tuple[str, float]) -> dict[str, Any]:
    return {"reasons": [{"evidence": name, "contribution": value} for name, value in reasons]}


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in drawn(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_only_what_raises_the_risk_among_the_first_three_leads() -> None:
    rows = [
        row(("a", 0.9), ("b", -0.8), ("c", 0.5), ("d", 0.4), ("e", 0.3), ("other", 2.0)),
        row(("c", 0.1), ("other", 1.0)),
        {"reasons": None},
    ]
    assert leading(rows) == [Leads("c", 2, 0.3), Leads("a", 1, 0.9), Leads("d", 1, 0.4)]
    assert leading(rows, most=1) == [Leads("c", 2, 0.3)]
    assert leading([]) == []


def test_a_summary_says_of_how_many_and_is_as_long_as_its_share() -> None:
    leads = [Leads("a", 10, 0.5), Leads("b", 5, 0.2)]
    svg = summary(leads, people=20, names={"a": "加班", "b": "a & b"}, scale="people", title="t <1>")
    assert texts(svg) == ["加班", "10 / 20", "a & b", "5 / 20", "people"]
    ends = [
        tuple(map(float, re.findall(r"[\d.]+", path))) for path in re.findall(r'd="(M[^"]*)" style="[^"]*width:8', svg)
    ]
    assert len(ends) == 2 and (ends[0][2] - ends[0][0]) == pytest.approx(2 * (ends[1][2] - ends[1][0]), abs=0.2)


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
