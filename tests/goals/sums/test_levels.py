"""Sums at every level: they add up, count nothing twice, leave out whom nothing may be said of, and know what goes together."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.forecasting.forecast import Forecasts, forecast
from perfml.evidence.sources import Data
from perfml.goals.sums.contributions import KeptIntervals, SumRow, by_metric, contribution
from perfml.goals.sums.levels import SUMS, summed, sums_of_others
from perfml.goals.tree.reading import GoalTree, read_tree
from tests.advice.targets.worlds import NOW, POLICY, world
from tests.goals.tree.company import DAY, company
from tests.tables import opened, write_tables

pytestmark = pytest.mark.slow
CHAIN = {"e00": None, "e01": "e00", "e02": "e00"}
"""Person → manager; everybody else reports to e01 or e02."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """40 people in four scopes, in three departments and under two managers, whose goals are in calls."""
    folder = world(tmp_path_factory.mktemp("world"))
    goals = pd.read_csv(folder / "goals.csv").assign(unit="calls")
    people = sorted(goals["employee_id"].unique())
    positions = pd.DataFrame(
        {
            "employee_id": people,
            "effective_on": "2020-01-01",
            "manager_id": [CHAIN.get(person, f"e0{1 + at % 2}") for at, person in enumerate(people)],
            "department": [f"d{at % 3}" for at in range(len(people))],
        }
    )
    return opened(write_tables(folder, goals=goals, positions=positions))


@pytest.fixture(scope="module")
def tree(data: Data) -> GoalTree:
    return read_tree(data, NOW)


@pytest.fixture(scope="module")
def forecasts(data: Data) -> Forecasts:
    return forecast(data, POLICY, NOW)


@pytest.fixture(scope="module")
def rows(tree: GoalTree, forecasts: Forecasts) -> pd.DataFrame:
    return summed(tree, forecasts).to_pandas()


def test_levels_add_up_to_each_other(rows: pd.DataFrame, forecasts: Forecasts) -> None:
    people = rows[rows["level"] == "person"]
    assert len(people) == 40 and (rows["problem"].isna()).all()
    for amount in ("target", "actual", "expected"):
        for level in ("team", "department", "company"):
            total = rows.loc[rows["level"] == level, amount].sum()
            assert total == pytest.approx(people[amount].sum(), rel=1e-12), (level, amount)
    assert people["expected"].sum() == pytest.approx(forecasts.frame["expected"].sum(), rel=1e-12)
    lines = rows[rows["level"] == "line"].set_index("manager_id")
    own = people.loc[people["manager_id"] == "e00", "expected"].sum()
    below = lines.loc[["e01", "e02"], "expected"].sum()
    assert lines.loc["e00", "expected"] == pytest.approx(own + below) and lines.loc["e00", "people"] == 39


def test_a_person_has_the_interval_of_the_forecast_and_a_sum_a_narrower_one(
    rows: pd.DataFrame, forecasts: Forecasts
) -> None:
    people = rows[rows["level"] == "person"].sort_values("employee_id")
    own = forecasts.frame.sort_values("employee_id")
    np.testing.assert_allclose(people[["low", "high"]], own[["low", "high"]])
    (whole,) = rows[rows["level"] == "company"].to_dict("records")
    width = (whole["high"] - whole["low"]) / whole["expected"]
    alone = ((people["high"] - people["low"]) / people["expected"]).median()
    apart = float(np.sqrt((((people["high"] - people["low"]) / 2) ** 2).sum())) * 2 / whole["expected"]
    assert apart < width < alone


def test_whoever_is_held_is_in_no_sum_and_counted_as_unknown(tree: GoalTree, forecasts: Forecasts) -> None:
    rows = summed(tree, forecasts, without=frozenset({"e05"})).to_pandas()
    (whole,) = rows[rows["level"] == "company"].to_dict("records")
    expected = forecasts.frame.set_index("employee_id")["expected"]
    assert (whole["unknown"], whole["goals"]) == (1, 40)
    assert whole["expected"] == pytest.approx(expected.drop("e05").sum())
    (own,) = rows[(rows["level"] == "person") & (rows["employee_id"] == "e05")].to_dict("records")
    assert own["problem"] == "no_forecast" and np.isnan(own["target"])


def test_without_a_past_there_are_sums_and_no_intervals(data: Data) -> None:
    early = dt.date(2022, 2, 20)
    rows = summed(read_tree(data, early), forecast(data, POLICY, early)).to_pandas()
    assert rows["expected"].notna().all() and rows[["low", "high"]].isna().all().all()


def test_a_goal_that_is_the_sum_of_those_below_it_is_not_counted_again(tmp_path: Path) -> None:
    data = company(tmp_path)
    tree = read_tree(data, DAY)
    names = tree.goals["goal_id"].to_numpy(dtype=object)
    assert names[sums_of_others(tree)].tolist() == ["a1", "b2", "e1"]
    data.close()


def read(rows: pd.DataFrame) -> list[SumRow]:
    names = [name for name in SUMS.names if name != "as_of"]
    whole = rows[names].astype(object).where(rows[names].notna(), None)
    return [SumRow(**row) for row in whole.to_dict("records")]


def test_kept_sums_are_put_together_again_with_their_intervals(rows: pd.DataFrame) -> None:
    kept_rows = read(rows)
    intervals = KeptIntervals(kept_rows)
    people = [row for row in kept_rows if row.level == "person"]
    (key,) = by_metric(people)
    for part in ([row for row in people if row.department == "d1"], people):
        whole = contribution(part, intervals)
        same = [row for row in kept_rows if row.low is not None and (row.low, row.high) == (whole.low, whole.high)]
        assert whole.problem is None and key.metric == "calls"
        assert len(same) == 1 and same[0].expected == pytest.approx(whole.expected)
    without = contribution(people[:-1], intervals)
    assert without.expected == pytest.approx(whole.expected - people[-1].expected)
    assert without.low is None, "an interval of other goals is none of these"


def test_shares_and_other_units_do_not_add_up(rows: pd.DataFrame) -> None:
    people = [row for row in read(rows) if row.level == "person"][:2]

    def problem(*units: str | None) -> str | None:
        changed = [SumRow(**{**vars(row), "unit": unit}) for row, unit in zip(people, units, strict=True)]
        return contribution(changed).problem

    assert problem("calls", "calls") is None
    assert [problem("%", "%"), problem("calls", "CNY"), problem(None, None)] == [
        "not_additive",
        "units_differ",
        "unit_unknown",
    ]
