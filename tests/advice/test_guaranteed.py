"""A list under a limit: what is promised, when nobody is listed, and why."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfml.advice.guaranteed import Guarantee, guarantee_of
from perfml.advice.priorities import priorities
from perfml.errors import PerfmlError
from perfml.learning.record import GuaranteeRecord
from perfml.learning.validation.conformal import calibration
from perfml.messages import Message, render
from perfml.scoring.drift.files import keep_drift
from tests.advice.test_priorities import ranking
from tests.records import backtest_record, training_record

PEOPLE = 100


def measured(cases: int = 20, **changes: Any) -> GuaranteeRecord:
    """A perfect ranking of :data:`PEOPLE` people, the first ``cases`` of whom had the outcome."""
    standing = np.arange(1, PEOPLE + 1) / PEOPLE
    outcome = (np.arange(PEOPLE) < cases).astype(np.float64)
    record = calibration(standing=standing, outcome=outcome, dates=[dt.date(2026, 1, 1)])
    return record.model_copy(update={"verdict": "pass", "text": Message.of("guarantee_exchangeable"), **changes})


def asked(home: Path, measured_by: GuaranteeRecord | None, *, limit: float = 0.3, most: int = 40) -> Guarantee:
    tested = backtest_record(guarantee=measured_by)
    return guarantee_of(home, "attrition", tested, version="v1", wasted_at_most=limit, most=most, scored=PEOPLE)


def keep(home: Path, verdict: str, version: str = "v1") -> None:
    fields = {"horizon_days": 91, "outcomes_of": None, "verdict": verdict, "en": "", "zh": "", "people": 300}
    keep_drift(
        home, "attrition", [{**fields, "score": None, "columns": []}], version=version, as_of=dt.date(2026, 9, 1)
    )


def test_a_list_holds_as_many_as_the_limit_allows(tmp_path: Path) -> None:
    """Rank r > 20 has p = (1 + r - 20) / 101; 100 p / r is at most .3 up to rank 27."""
    given = asked(tmp_path, measured())
    assert (given.state, given.size) == ("kept", 27)
    assert given.least is not None and 0.04 < given.least < 0.05
    assert asked(tmp_path, measured(), limit=0.5).size == 38
    assert asked(tmp_path, measured(), most=10).size == 10
    assert "30%" in render(given.text, "en") and "perfml drift" in render(given.text, "en")


def test_where_no_list_keeps_the_limit_nobody_is_listed_and_the_least_is_told(tmp_path: Path) -> None:
    given = asked(tmp_path, measured(cases=20), limit=0.02)
    assert (given.state, given.size) == ("none", 0) and given.least is not None
    assert f"{given.least:.0%}" in render(given.text, "en")
    hopeless = asked(tmp_path, measured(cases=0))
    assert (hopeless.state, hopeless.least) == ("none", None)


def test_drift_ends_the_guarantee_of_the_version_it_was_checked_for(tmp_path: Path) -> None:
    keep(tmp_path, "retrain", version="v0")
    assert asked(tmp_path, measured()).state == "kept"
    keep(tmp_path, "no action")
    given = asked(tmp_path, measured())
    assert given.state == "kept" and "perfml drift" not in render(given.text, "en")
    keep(tmp_path, "retrain")
    ended = asked(tmp_path, measured())
    assert (ended.state, ended.size) == ("ended", 0) and "trained again" in render(ended.text, "en")


def test_periods_that_differ_end_it_and_one_period_is_said_to_be_compared_with_nothing(tmp_path: Path) -> None:
    broken = Message.of("guarantee_broken", limit=0.5, listed=40, wasted=33)
    given = asked(tmp_path, measured(verdict="fail", text=broken))
    assert (given.state, given.size) == ("ended", 0) and "33 of them" in render(given.text, "en")
    alone = asked(tmp_path, measured(verdict="insufficient", text=Message.of("guarantee_not_compared")))
    assert alone.state == "kept" and "too little before" in render(alone.text, "en")


def test_a_version_of_an_earlier_perfml_promises_nothing(tmp_path: Path) -> None:
    given = asked(tmp_path, None)
    assert (given.state, given.size) == ("insufficient", 0) and "train it again" in render(given.text, "en")


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.2, float("nan")])
def test_a_limit_that_is_no_share_is_refused(tmp_path: Path, limit: float) -> None:
    with pytest.raises(PerfmlError, match="wasted_at_most"):
        asked(tmp_path, measured(), limit=limit)


def test_the_list_ends_with_the_guarantee(tmp_path: Path) -> None:
    given = asked(tmp_path, measured(), most=6)
    listed = priorities(ranking(), training_record(), capacity=20, guarantee=given)
    assert [person.rank for person in listed.people] == [1, 2, 3, 4, 5, 6]
    answer = listed.to_json()["guarantee"]
    assert isinstance(answer, dict) and answer["state"] == "kept" and set(answer) >= {"en", "zh", "size", "least"}
    nobody = priorities(ranking(), training_record(), capacity=20, guarantee=asked(tmp_path, None))
    assert not nobody.names or set(nobody.names) == {"H1"}
