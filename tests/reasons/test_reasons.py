"""Reasons: grouped, ranked, rendered, and adding up."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.evidence.columns import Column
from perfml.messages.reasons import evidence_text, owner_text
from perfml.messages.values import UNITS_ZH, WITHOUT_UNIT, value_text
from perfml.reasons.reasons import LISTED, Grouping, explain


def column(name: str, reason: str, **changes: object) -> Column:
    base = {"zh": f"{name}的含义", "en": f"meaning of {name}", "unit": "days", "owner": "manager"}
    return Column(
        name=name,
        evidence=reason,
        reason=reason,
        reason_zh="证据",
        reason_en="Evidence",
        direction="neither",
        **(base | changes),
    )


@pytest.fixture
def grouping() -> Grouping:
    return Grouping.of([column("a_28d", "a"), column("a_91d", "a"), *(column(f"c{i}", f"g{i}") for i in range(8))])


def test_lists_add_up_to_the_margin_and_other_is_last(grouping: Grouping) -> None:
    rng = np.random.default_rng(0)
    contributions = rng.normal(size=(50, 11))
    rows = explain(grouping, contributions, values=rng.normal(size=(50, 10)), median=np.zeros(10)).to_pylist()
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
    (lines,) = explain(grouping, contributions, values=values, median=np.full(10, 2.0)).to_pylist()
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
        grouping, contributions, values=values, median=np.zeros(10), stable={"a": False, "g0": True}
    ).to_pylist()
    assert {line["evidence"]: line["steady"] for line in lines} == {"a": False, "g0": True, "g1": None, "other": None}
    assert owner_text("manager", lines[0]["steady"], "en") == "the manager; changes when the model is retrained"
    assert owner_text("manager", lines[0]["steady"], "zh") == "上级；重新训练后会变"
    assert owner_text("manager", lines[1]["steady"], "zh") == owner_text("manager", None, "zh") == "上级"


def test_a_missing_value_is_reported_not_invented(grouping: Grouping) -> None:
    contributions = np.zeros((1, 11))
    contributions[0, 2] = 1.0
    (lines,) = explain(grouping, contributions, values=np.full((1, 10), np.nan), median=np.full(10, np.nan)).to_pylist()
    assert "not recorded" in lines[0]["en"]
    assert "无记录" in lines[0]["zh"]
    assert lines[0]["values"][0]["value"] is None


@pytest.mark.parametrize("unit", [*UNITS_ZH, *sorted(WITHOUT_UNIT)])
@pytest.mark.parametrize("number", [0.0, 1.0, -2.345, 0.004, 1234567.0])
def test_every_unit_reads_in_both_languages(unit: str, number: float) -> None:
    for language in ("zh", "en"):
        text = value_text(number, unit, language)
        assert text.strip() == text != ""


@pytest.mark.parametrize(
    ("z", "en", "zh"),
    [
        (2.31, "2.3 standard deviations above the mean", "高于均值 2.3 个标准差"),
        (-1.0, "1.0 standard deviations below the mean", "低于均值 1.0 个标准差"),
        (0.01, "about the mean", "与均值相当"),
    ],
)
def test_a_comparison_reads_as_a_distance(z: float, en: str, zh: str) -> None:
    texts = [
        evidence_text("t", "m", value=z, median=0.1, unit="standard deviations", language=language)
        for language in ("en", "zh")
    ]
    assert texts == [f"t: m: {en}", f"t：m {zh}"]


def test_a_value_like_the_median_is_not_named(grouping: Grouping) -> None:
    contributions = np.zeros((1, 11))
    contributions[0, :2] = [0.5, 0.4]
    values, median = np.full((1, 10), 7.0), np.full(10, 7.0)
    values[0, 1] = 3.0
    (lines,) = explain(grouping, contributions, values=values, median=median).to_pylist()
    assert lines[0]["en"] == "Evidence: meaning of a_91d: 3 days (usually 7 days); raises the risk"
    values[0, 1] = 7.0
    (lines,) = explain(grouping, contributions, values=values, median=median).to_pylist()
    assert "a_28d" in lines[0]["en"]
