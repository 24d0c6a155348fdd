"""The list HR works from: capacity, who owns a risk, what is under way, hold-outs, and the refusal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perfml.advice.decision_log import Intervention
from perfml.advice.priorities import Priorities, Ranking, as_interventions, priorities
from perfml.errors import PerfmlError
from perfml.learning.record import GroupFigures, TrainingRecord, TreatmentRecord, UpliftRecord
from perfml.learning.validation.lists import list_like, lists_by_size
from perfml.messages import Message, render
from perfml.scoring.batches.rows import SCHEMA
from tests.records import backtest_record, training_record
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


def record(proven: bool = True, *, uplift: tuple[UpliftRecord, ...] = ()) -> TrainingRecord:
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
    nobody = GroupFigures(rows=0)
    treatment = TreatmentRecord(rows=0, treated=nobody, untreated=nobody, uplift=uplift)
    return training_record(backtest_record(proven=proven, lists=lists), treatment={91: treatment})


def names(listed: tuple[Any, ...]) -> list[str]:
    return [each.employee_id for each in listed]


def test_the_list_is_as_long_as_there_is_capacity() -> None:
    listed = priorities(ranking(), record(), capacity=4)
    assert names(listed.people) == ["E1", "E2", "E3", "E4"]
    assert listed.cases.expected == pytest.approx(4 * 0.5 - 10 / 200)
    assert listed.cases.low <= listed.cases.expected <= listed.cases.high
    assert [(held.employee_id, render(held.why, "en")) for held in listed.held] == [
        ("H1", "reviews: rating outside scale")
    ]
    assert listed.backtested and (listed.backtested.share, listed.backtested.precision) == (0.1, 0.45)
    assert "Risk only" in listed.en and "仅表示风险" in listed.zh
    longer = priorities(ranking(), record(), capacity=20).backtested
    assert longer and longer.precision == 0.3
    assert len(priorities(ranking(), record(), capacity=500).people) == 40


def test_a_risk_that_others_own_is_not_put_on_the_person() -> None:
    mine = {"reasons": reasons("manager", "company", "manager", "employee")}  # the fourth does not lead
    lowering = {"reasons": [*reasons("employee", contribution=-2.0), *reasons("company")]}
    listed = priorities(ranking(E1=mine, E3=lowering, E4={"reasons": []}), record(), capacity=3)
    assert names(listed.owned_by_others) == ["E1", "E3"] and listed.owned_by_others[0].owners == ("manager", "company")
    assert names(listed.people) == ["E2", "E4", "E5"]  # without reasons nobody else owns it


def test_no_more_settings_are_listed_than_somebody_can_see_to() -> None:
    others = {f"E{n}": {"reasons": reasons("manager")} for n in range(1, 11)}

    def listed(**limits: int) -> Priorities:
        return priorities(ranking(**others), record(), capacity=3, **limits)

    assert names(listed().owned_by_others) == ["E1", "E2", "E3"], "as many as the list has"
    assert names(listed().further_settings) == [f"E{n}" for n in range(4, 11)]
    assert names(listed().people) == ["E11", "E12", "E13"], "the limit changes nothing for those to talk to"
    assert len(listed(settings=8).owned_by_others) == 8 and not listed(settings=10).further_settings
    json = listed(settings=8).to_json()
    assert (len(json["setting"]), json["setting_more"]) == (8, 2) and "further_settings" not in json


def test_cautions_are_passed_on_in_both_languages() -> None:
    caution = Message.of("unjudged_in_use", model="attrition", days=91, unjudged=2, gates=8)
    (text,) = priorities(ranking(), record(), capacity=3, cautions=[caution]).to_json()["cautions"]
    assert "2 of its 8 gates" in text["en"] and "8 项检验中有 2 项" in text["zh"]
    assert priorities(ranking(), record(), capacity=3).to_json()["cautions"] == []


def test_an_employee_with_a_recent_offer_is_not_listed_again() -> None:
    def had(person: str, days_ago: int, **fields: Any) -> Intervention:
        offered = DAY - dt.timedelta(days=days_ago)
        return Intervention(employee_id=person, kind="conversation", offered_on=offered, **fields)

    log = [
        had("E1", 10, status="offered"),
        had("E2", 200, status="offered"),
        had("E3", 100, status="done", done_on=DAY - dt.timedelta(days=5)),
        had("E4", 30, hold_out=True),
        had("E5", 0, status="offered"),  # on the as-of date: not known before it
    ]
    listed = priorities(ranking(), record(), capacity=3, interventions=log)
    assert names(listed.people) == ["E2", "E5", "E6"]
    assert [(each.employee_id, each.status) for each in listed.lasting] == [
        ("E1", "offered"),
        ("E3", "done"),
        ("E4", "held out"),
    ]


def test_a_hold_out_is_the_same_whenever_it_is_drawn_and_about_as_large_as_asked() -> None:
    listed = priorities(ranking(400), record(), capacity=400, hold_out_share=0.25)
    assert listed.hold_out == priorities(ranking(400), record(), capacity=400, hold_out_share=0.25).hold_out
    assert len(listed.hold_out) == pytest.approx(100, abs=3 * np.sqrt(400 * 0.25 * 0.75))
    assert len(listed.people) + len(listed.hold_out) == 400
    log = as_interventions(listed, kind="conversation", offered_on=DAY, entered_by="HR")
    assert {each.employee_id for each in log if each.hold_out} == set(names(listed.hold_out))
    assert all(each.random and (each.status == "offered") != each.hold_out for each in log)
    assert not any(
        each.random
        for each in as_interventions(priorities(ranking(), record(), capacity=4), kind="talk", offered_on=DAY)
    )


def test_a_model_that_is_not_proven_gives_no_list() -> None:
    listed = priorities(ranking(), record(proven=False), capacity=4)
    assert not listed.people and not listed.owned_by_others and listed.backtested is None
    assert listed.en == "No list: no better than tenure_days (AUC +0.001, 2 SE = 0.020)." and "不提供名单" in listed.zh
    assert names(listed.held) == ["H1"]


def test_an_uplift_is_reported_only_where_there_is_one() -> None:
    effect = UpliftRecord(
        kind="conversation",
        offered=100,
        held_out=100,
        offered_share=0.1,
        held_out_share=0.18,
        difference=-0.08,
        low=-0.15,
        high=-0.01,
        text=Message.of(
            "uplift",
            kind=Message.of("intervention_conversation"),
            offered=100,
            held_out=100,
            offered_share=0.1,
            held_out_share=0.18,
            difference=-0.08,
            low=-0.15,
            high=-0.01,
            days=91,
        ),
    )
    listed = priorities(ranking(), record(uplift=(effect,)), capacity=4)
    assert "difference -8.0%" in listed.en and "Risk only" not in listed.en and "谈话：随机提供" in listed.zh
    (json,) = listed.to_json()["uplift"]
    assert json["difference"] == -0.08 and json["en"] in listed.en and json["zh"] in listed.zh


def test_rows_are_read_no_further_than_needed() -> None:
    whole = ranking(400)
    rows_left = whole.ranked
    read: list[str] = []

    def rows() -> Iterator[Any]:
        for row in rows_left:
            read.append(row["employee_id"])
            yield row

    asked = replace(whole, scored=400, ranked=rows())
    assert len(priorities(asked, record(), capacity=5).people) == 5
    assert len(read) <= 6


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"capacity": 0}, "capacity"), ({"settings": 0}, "settings"), ({"hold_out_share": 1.0}, "hold_out_share")],
)
def test_sizes_that_make_no_sense_are_refused(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(PerfmlError, match=where):
        priorities(ranking(), record(), **{"capacity": 5, **changes})


@pytest.mark.slow
def test_lists_by_size_hold_what_really_came() -> None:
    rng = np.random.default_rng(5)
    person = np.array([f"E{n}" for n in range(2_000)], dtype=object)
    when = np.array(["2025-01-01"] * 2_000, "M8[D]")
    risk = rng.beta(1, 9, 2_000)
    outcome = (rng.random(2_000) < risk).astype(float)
    listed = lists_by_size(outcome, risk, person=person, when=when)
    best = np.argsort(-risk)
    for each in listed:
        top = best[: round(each.share * 2_000)]
        assert each.listed == len(top) and each.cases == outcome[top].sum()
        assert each.low <= each.precision <= each.high
    assert listed[0].precision > listed[-1].precision
    assert listed[0].high - listed[0].low > listed[-1].high - listed[-1].low
    assert list_like(listed, 21, 2_000).share == 0.02 and list_like(listed, 1_999, 2_000).share == 0.5
