"""The pictures are well-formed SVG that holds what it was given, whatever that is."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.report.pictures import Bin, Compared, Interval, WaterfallStep, calibration, comparison, percent, waterfall
from perfml.report.svg import text_width, ticks, wrap

NASTY = "<script>alert(\"x\")</script> & 'quotes'"
LONG = (
    "近91天客户记录更新次数（与同岗位同级相比）-0.97个标准差（通常0个标准差），以及目标完成度减去时间进度（按权重平均）"
    * 2
)


def words_of(svg: str) -> str:
    return "".join(ElementTree.fromstring(svg).itertext())


def bars(svg: str) -> list[tuple[float, float]]:
    """Where each arrow of a waterfall begins and ends."""
    points = re.findall(r'points="([^"]+)"', svg)
    corners = [[float(pair.split(",")[0]) for pair in corner_list.split()] for corner_list in points]
    return [(c[0], c[2]) for c in corners]


def test_a_waterfall_goes_from_the_base_to_the_person_without_a_gap() -> None:
    svg = waterfall(
        base=-2.0, steps=[WaterfallStep("up", 1.5), WaterfallStep("down", -0.5)], start="s", end="e", title="t"
    )
    (begin, first), (second, end) = bars(svg)
    assert begin < first
    assert second == first
    assert first - end == pytest.approx((first - begin) / 3, abs=0.2)
    assert percent(1 / (1 + math.exp(1.0))) in words_of(svg)


@pytest.mark.slow
@given(
    st.floats(-8, 8),
    st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), st.floats(-5, 5)), max_size=6),
)
def test_any_waterfall_stays_inside_its_width(base: float, steps: list[tuple[str, float]]) -> None:
    svg = waterfall(base=base, steps=[WaterfallStep(*s) for s in steps], start="s", end="e", title="t", width=330)
    ElementTree.fromstring(svg)
    assert all(0 <= x <= 330 for bar in bars(svg) for x in bar)


def test_words_are_escaped() -> None:
    drawn = [
        waterfall(base=0, steps=[WaterfallStep(NASTY, 1)], start=NASTY, end=NASTY, title=NASTY),
        calibration(bins=[Bin(0.1, 0.1, 0, 0.2)], title=NASTY, expected=NASTY, observed=NASTY, diagonal=NASTY),
        comparison(
            measures=[Compared(NASTY, Interval(1, 0, 2), Interval(1, 0, 2))],
            model=NASTY,
            baseline="",
            chance="",
            title=NASTY,
        ),
    ]
    for svg in drawn:
        assert "<script" not in svg
        assert ElementTree.fromstring(svg).attrib["aria-label"] == NASTY


def test_long_chinese_labels_are_wrapped_and_whole() -> None:
    rows = wrap(LONG, width=300, size=13)
    assert "".join(rows) == LONG
    assert all(text_width(row, 13) <= 300 + 26 for row in rows)
    assert len(rows) > 3


@pytest.mark.slow
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), st.integers(30, 400))
def test_wrapping_loses_nothing(label: str, width: int) -> None:
    assert "".join(wrap(label, width=width, size=13)).replace(" ", "") == label


def test_a_figure_that_could_not_be_estimated_is_left_out() -> None:
    nothing = Interval(None, None, None)
    drawn = comparison(
        measures=[Compared("AUC", Interval(0.8, None, None), nothing, 0.5), Compared("Lift", nothing, nothing)],
        model="m",
        baseline="b",
        chance="c",
        title="t",
    )
    assert "0.80" in words_of(drawn)
    assert "Lift" in words_of(drawn)


def test_calibration_draws_a_dot_and_a_whisker_for_each_bin() -> None:
    bins = [Bin(0.02 * i, 0.02 * i, 0.01 * i, 0.03 * i) for i in range(10)]
    drawn = calibration(bins=bins, title="t", expected="e", observed="o", diagonal="d")
    assert drawn.count("<circle") == 10
    assert calibration(bins=[], title="t", expected="e", observed="o", diagonal="d").count("<circle") == 0


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.021), (0.5, 0.9), (-3.0, 40.0), (1.0, 1.0)])
def test_ticks_are_inside(low: float, high: float) -> None:
    inside = ticks(low, high)
    assert inside
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in inside)
