"""The list HR works from: capacity, whose matter a risk is, what is under way, hold-outs, and the refusal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perfml.advice.decision_log import Intervention
from perfml.advice.priorities import Ranking, as_interventions, priorities
from perfml.errors import PerfmlError
from perfml.learning.validation.lists import list_like, lists_by_size
from perfml.scoring.scoring import SCHEMA
from tests.service.company import DAY, scored, without


def reasons(*owners: str, contribution: float = 0.5) -> list[dict[str, Any]]:
    return [
        {
            "evidence": f"e{n}",
            "contribution": contribution,
            "owner": owner,
            "zh": "证据",
            "en": "evidence",
            "values": [],
        }
        for n, owner in enumerate(owners)
    ]


def ranking(n: int = 40, **changed: dict[str, Any]) -> Ranking:
    """People E1, E2, … by rank, the first at .5; ``changed``: what differs by employee."""
    rows = [
        {
            **scored(f"E{rank}", rank, probability=0.5 - rank / 200, reasons=reasons("employee", "manager")),
            **changed.get(f"E{rank}", {}),
        }
        for rank in range(1, n + 1)
    ]
    rows += [without("H1", "held", why_not="reviews: rating outside scale"), without("T1", "thin")]
    whole = [{**row, "as_of": DAY, "model": "attrition", "model_version": "v1"} for row in rows]
    return Ranking.of(pa.Table.from_pylist(whole, schema=SCHEMA))


def about(proven: bool = True, **treatment: Any) -> dict[str, Any]:
    lists = [
        {
            "share": share,
            "listed": 100,
            "cases": 40,
            "precision": precision,
            "low": 0.2,
            "high": 0.6,
            "ratio": [0.9, 1.1],
        }
        for share, precision in ((0.1, 0.45), (0.5, 0.3))
    ]
    said = ("better", "优于基线") if proven else ("no better than tenure_days (AUC +0.001, 2 SE = 0.020)", "不优于司龄")
    tested = {"proven": proven, "lists": lists, "en": said[0], "zh": said[1]}
    return {"backtests": {"91": tested}, "treatment": {"91": treatment}}


def names(listed: tuple[Any, ...]) -> list[str]:
    return [one.employee_id for one in listed]


def test_the_list_is_as_long_as_there_is_capacity() -> None:
    found = priorities(ranking(), about(), capacity=4)
    assert names(found.people) == ["E1", "E2", "E3", "E4"]
    assert found.cases.expected == pytest.approx(4 * 0.5 - 10 / 200)
    assert found.cases.low <= found.cases.expected <= found.cases.high
    assert [(held.employee_id, held.why) for held in found.held] == [("H1", "reviews: rating outside scale")]
    assert found.backtested and (found.backtested.share, found.backtested.precision) == (0.1, 0.45)
    assert "Risk only" in found.en and "仅表示风险" in found.zh
    longer = priorities(ranking(), about(), capacity=20).backtested
    assert longer and longer.precision == 0.3
    assert len(priorities(ranking(), about(), capacity=500).people) == 40


def test_a_risk_that_others_own_is_not_put_on_the_person() -> None:
    mine = {"reasons": reasons("manager", "company", "manager", "employee")}  # the fourth does not lead
    lowering = {"reasons": [*reasons("employee", contribution=-2.0), *reasons("company")]}
    found = priorities(ranking(E1=mine, E3=lowering, E4={"reasons": []}), about(), capacity=3)
    assert names(found.setting) == ["E1", "E3"] and found.setting[0].owners == ("manager", "company")
    assert names(found.people) == ["E2", "E4", "E5"]  # without reasons nobody else owns it


def test_who_was_offered_something_lately_is_not_listed_again() -> None:
    def had(person: str, days_ago: int, **said: Any) -> Intervention:
        offered = DAY - dt.timedelta(days=days_ago)
        return Intervention(employee_id=person, kind="conversation", offered_on=offered, **said)

    log = [
        had("E1", 10, status="offered"),
        had("E2", 200, status="offered"),
        had("E3", 100, status="done", done_on=DAY - dt.timedelta(days=5)),
        had("E4", 30, hold_out=True),
        had("E5", 0, status="offered"),  # on the as-of date: not known before it
    ]
    found = priorities(ranking(), about(), capacity=3, interventions=log)
    assert names(found.people) == ["E2", "E5", "E6"]
    assert [(one.employee_id, one.status) for one in found.lasting] == [
        ("E1", "offered"),
        ("E3", "done"),
        ("E4", "held out"),
    ]


def test_a_hold_out_is_the_same_whenever_it_is_drawn_and_about_as_large_as_asked() -> None:
    found = priorities(ranking(400), about(), capacity=400, hold_out_share=0.25)
    assert found.hold_out == priorities(ranking(400), about(), capacity=400, hold_out_share=0.25).hold_out
    assert len(found.hold_out) == pytest.approx(100, abs=3 * np.sqrt(400 * 0.25 * 0.75))
    assert len(found.people) + len(found.hold_out) == 400
    log = as_interventions(found, kind="conversation", offered_on=DAY, entered_by="HR")
    assert {one.employee_id for one in log if one.hold_out} == set(names(found.hold_out))
    assert all(one.random and (one.status == "offered") != one.hold_out for one in log)
    assert not any(
        one.random for one in as_interventions(priorities(ranking(), about(), capacity=4), kind="talk", offered_on=DAY)
    )


def test_a_model_that_proves_nothing_gives_no_list() -> None:
    found = priorities(ranking(), about(proven=False), capacity=4)
    assert not found.people and not found.setting and found.backtested is None
    assert found.en == "No list: no better than tenure_days (AUC +0.001, 2 SE = 0.020)." and "不提供名单" in found.zh
    assert names(found.held) == ["H1"]


def test_an_uplift_is_said_only_where_there_is_one() -> None:
    said = {"kind": "conversation", "en": "conversation: difference -8.0% [-15.0%, -1.0%]", "zh": "谈话：差异 -8.0%"}
    found = priorities(ranking(), about(uplift=[said]), capacity=4)
    assert "difference -8.0%" in found.en and "Risk only" not in found.en and "谈话" in found.zh


def test_rows_are_read_no_further_than_needed() -> None:
    whole = ranking(400)
    rows_left = whole.ranked
    read: list[str] = []

    def rows() -> Iterator[Any]:
        for row in rows_left:
            read.append(row["employee_id"])
            yield row

    asked = Ranking(whole.model, whole.model_version, whole.as_of, whole.horizon_days, 400, whole.held, rows())
    assert len(priorities(asked, about(), capacity=5).people) == 5
    assert len(read) <= 6


@pytest.mark.parametrize(("capacity", "share", "where"), [(0, 0.0, "capacity"), (5, 1.0, "hold_out_share")])
def test_sizes_that_make_no_sense_are_refused(capacity: int, share: float, where: str) -> None:
    with pytest.raises(PerfmlError, match=where):
        priorities(ranking(), about(), capacity=capacity, hold_out_share=share)


def test_lists_by_size_hold_what_really_came() -> None:
    rng = np.random.default_rng(5)
    person = np.array([f"E{n}" for n in range(2_000)], dtype=object)
    when = np.array(["2025-01-01"] * 2_000, "M8[D]")
    risk = rng.beta(1, 9, 2_000)
    outcome = (rng.random(2_000) < risk).astype(float)
    found = lists_by_size(outcome, risk, person, when)
    best = np.argsort(-risk)
    for one in found:
        top = best[: round(one["share"] * 2_000)]
        assert one["listed"] == len(top) and one["cases"] == outcome[top].sum()
        assert one["low"] <= one["precision"] <= one["high"]
    assert found[0]["precision"] > found[-1]["precision"]
    assert found[0]["high"] - found[0]["low"] > found[-1]["high"] - found[-1]["low"]
    assert list_like(found, 21, 2_000)["share"] == 0.02 and list_like(found, 1_999, 2_000)["share"] == 0.5
