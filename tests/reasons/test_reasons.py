"""Reasons: grouped, ranked, rendered, and adding up."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.evidence.columns import Column
from perfml.messages.reasons import among, owner_text
from perfml.messages.values import UNITS_ZH, WITHOUT_UNIT, value_text
from perfml.reasons.reasons import explain
from perfml.reasons.selection import LISTED, Grouping, Spread


def column(name: str, reason: str, **changes: object) -> Column:
    base = {
        "zh": f"{name}的含义",
        "en": f"meaning of {name}",
        "unit": "days",
        "owner": "manager",
        "direction": "neither",
    }
    return Column(
        name=name,
        evidence=reason,
        reason=reason,
        reason_zh="证据",
        reason_en="Evidence",
        **(base | changes),
    )


def around(median: np.ndarray, width: float = 0.0) -> Spread:
    """What is ordinary: the median and ``width`` on both sides."""
    return Spread(median=median, low=median - width, high=median + width)


@pytest.fixture
def grouping() -> Grouping:
    return Grouping.of([column("a_28d", "a"), column("a_91d", "a"), *(column(f"c{i}", f"g{i}") for i in range(8))])


def test_lists_add_up_to_the_margin_and_other_is_last(grouping: Grouping) -> None:
    rng = np.random.default_rng(0)
    contributions = rng.normal(size=(50, 11))
    rows = explain(grouping, contributions, values=rng.normal(size=(50, 10)), spread=around(np.zeros(10))).to_pylist()
    for lines, contribution in zip(rows, contributions, strict=True):
        assert len(lines) == LISTED + 1
        assert lines[-1]["evidence"] == "other"
        assert sum(line["contribution"] for line in lines) == pytest.approx(contribution[:-1].sum(), abs=1e-12)
        sizes = [abs(line["contribution"]) for line in lines[:-1]]
        assert sizes == sorted(sizes, reverse=True)


def test_windows_of_one_thing_are_one_reason(grouping: Grouping) -> None:
    contributions = np.zeros((1, 11))
    contributions[0, :3] = [0.4, 0.5, -0.8]
    values = np.arange(10, dtype=float)[None, :]
    (lines,) = explain(grouping, contributions, values=values, spread=around(np.full(10, 2.0))).to_pylist()
    assert [line["evidence"] for line in lines] == ["a", "g0", "other"]
    assert lines[0]["contribution"] == pytest.approx(0.9)
    assert [value["column"] for value in lines[0]["values"]] == ["a_91d", "a_28d"]
    assert lines[0]["en"] == "Evidence: meaning of a_91d: 1 day (usually 2 days); raises the risk"
    assert lines[0]["zh"] == "证据：a_91d的含义 1 天（通常 2 天），推高风险"
    assert lines[1]["en"].endswith("lowers the risk")
    assert lines[0]["owner"] == "manager"


def test_a_reason_that_other_people_would_not_give_is_marked(grouping: Grouping) -> None:
    contributions = np.zeros((1, 11))
    contributions[0, :4] = [0.9, 0.0, 0.5, 0.3]
    values = np.arange(10, dtype=float)[None, :]
    (lines,) = explain(
        grouping, contributions, values=values, spread=around(np.zeros(10)), stable={"a": False, "g0": True}
    ).to_pylist()
    assert {line["evidence"]: line["steady"] for line in lines} == {"a": False, "g0": True, "g1": None, "other": None}
    assert owner_text("manager", lines[0]["steady"], "en") == "the manager, less certain"
    assert owner_text("manager", lines[0]["steady"], "zh") == "上级，不太稳定"
    assert owner_text("manager", lines[1]["steady"], "zh") == owner_text("manager", None, "zh") == "上级"


def test_a_missing_value_is_reported_not_invented(grouping: Grouping) -> None:
    contributions = np.zeros((1, 11))
    contributions[0, 2] = 1.0
    (lines,) = explain(
        grouping, contributions, values=np.full((1, 10), np.nan), spread=around(np.full(10, np.nan))
    ).to_pylist()
    assert "not recorded" in lines[0]["en"]
    assert "无记录" in lines[0]["zh"]
    assert lines[0]["values"][0]["value"] is None


@pytest.mark.parametrize("unit", [*UNITS_ZH, *sorted(WITHOUT_UNIT), "multiple", "change a day"])
@pytest.mark.parametrize("number", [0.0, 1.0, 0.004, 1234567.0])
def test_every_unit_reads_in_both_languages(unit: str, number: float) -> None:
    for language in ("zh", "en"):
        text = value_text(number, unit, language)
        assert text.strip() == text != ""


@pytest.mark.parametrize(
    ("times", "en", "zh"),
    [
        (0.0, "none", "完全没有"),
        (0.05, "hardly any", "几乎没有"),
        (0.52, "half as many", "只有一半"),
        (1.04, "about as many", "大致相同"),
        (1.9, "twice as many", "约为 2 倍"),
        (6.6, "7 times as many", "约为 7 倍"),
    ],
)
def test_a_multiple_is_put_into_words(times: float, en: str, zh: str) -> None:
    assert (value_text(times, "multiple", "en"), value_text(times, "multiple", "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("z", "en", "zh"),
    [
        (2.31, "far above most of the team", "远高于团队多数人"),
        (-1.0, "below most of the team", "低于团队多数人"),
        (0.01, "about the average of the team", "与团队平均水平相当"),
    ],
)
def test_a_comparison_is_put_into_everyday_words(z: float, en: str, zh: str) -> None:
    assert (among(z, "team", "en"), among(z, "team", "zh")) == (en, zh)


def test_a_comparison_names_the_value_that_it_compares() -> None:
    hours = column("hours", "hours", unit="hours")
    columns = [hours, hours.compared("team")]
    values, median = np.array([[44.0, 2.4], [44.0, -1.2]]), np.array([6.0, 0.0])
    rows = explain(
        Grouping.of(columns), np.array([[0.0, 0.9, 0.0]] * 2), values=values, spread=around(median)
    ).to_pylist()
    assert rows[0][0]["en"] == (
        "Evidence: meaning of hours: 44 hours (usually 6 hours), far above most of the team; raises the risk"
    )
    assert rows[0][0]["zh"] == "证据：hours的含义 44 小时（通常 6 小时），远高于团队多数人，推高风险"
    assert "44 hours, below most of the team" in rows[1][0]["en"], "two comparisons that disagree are not both shown"
    assert [value["column"] for value in rows[0][0]["values"]] == ["hours_team_z", "hours"]


RATINGS = [
    column("last", "reviews", unit="rating", direction="higher"),
    column("before", "reviews", unit="rating", direction="higher"),
    column("change", "reviews", unit="rating", direction="higher", change=("before", "last")),
]


@pytest.mark.parametrize(
    ("last", "before", "contributions", "texts"),
    [
        (3.0, 5.0, [0.1, 0.6, 0.0], "5 → 3 (usually 3); raises"),  # the earlier value carries it: better than usual
        (3.0, 5.0, [0.0, 0.0, 0.6], "5 → 3 (usually 3); raises"),
        (5.0, 3.0, [-0.6, 0.0, 0.0], "3 → 5 (usually 3); lowers"),
        (2.0, 2.0, [0.6, 0.1, 0.0], "last: 2 (usually 3); raises"),
        (5.0, 5.0, [0.1, 0.6, 0.0], "before: 5 (usually 3), in combination with other evidence; raises"),
        (5.0, 3.0, [0.6, 0.0, 0.0], "last: 5 (usually 3), in combination with other evidence; raises"),
        (2.0, 5.0, [0.4, 0.6, 0.0], "5 → 2 (usually 3); raises"),
    ],
)
def test_a_fall_is_worded_as_a_fall_and_what_contradicts_as_a_combination(
    last: float, before: float, contributions: list[float], texts: str
) -> None:
    values = np.array([[last, before, last - before]])
    spread = around(np.array([3.0, 3.0, 0.0]))
    ((line, _),) = explain(
        Grouping.of(RATINGS), np.array([[*contributions, 0.0]]), values=values, spread=spread
    ).to_pylist()
    assert texts in line["en"]


def test_an_ordinary_value_is_a_reason_only_in_combination(grouping: Grouping) -> None:
    contributions = np.zeros((1, 11))
    contributions[0, 2] = 0.5
    values = np.full((1, 10), 9.0)
    for width, form in ((0.0, "value"), (1.0, "value"), (1.5, "combined")):
        (lines,) = explain(grouping, contributions, values=values, spread=around(np.full(10, 8.0), width)).to_pylist()
        assert lines[0]["form"] == form
        assert ("in combination with other evidence" in lines[0]["en"]) is (form == "combined")
        assert ("与其他依据结合" in lines[0]["zh"]) is (form == "combined")


def test_a_value_like_the_median_is_not_named(grouping: Grouping) -> None:
    contributions = np.zeros((1, 11))
    contributions[0, :2] = [0.5, 0.4]
    values, spread = np.full((1, 10), 7.0), around(np.full(10, 7.0))
    values[0, 1] = 3.0
    (lines,) = explain(grouping, contributions, values=values, spread=spread).to_pylist()
    assert lines[0]["en"] == "Evidence: meaning of a_91d: 3 days (usually 7 days); raises the risk"
    contributions[0, 1] = 0.2
    (lines,) = explain(grouping, contributions, values=values, spread=spread).to_pylist()
    assert "a_28d" in lines[0]["en"], "what carries too little of the reason is not named in its place"
    assert lines[0]["form"] == "combined"
