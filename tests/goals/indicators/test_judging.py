"""Metrics of a whole company: what moves with what, what is missing, what is insufficient, and nothing from the future."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from perfml import Project
from perfml.goals.indicators.files import kept_indicators
from perfml.goals.indicators.record import IndicatorsRecord
from tests.goals.indicators.world import AS_OF, BELOW, OWNERS, QUARTERS, write_world


def judge(folder: Path, data: Path, as_of: dt.date = AS_OF) -> IndicatorsRecord:
    return Project(home=folder / "home").indicators(data, as_of=as_of)


def verdicts(record: IndicatorsRecord) -> dict[str, str]:
    return {each.metric: each.verdict for each in record.metrics}


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IndicatorsRecord]:
    """A company whose sales follow the visits, and what is said of it."""
    folder = tmp_path_factory.mktemp("followed")
    data = write_world(folder / "data")
    return folder, judge(folder, data)


def test_a_metric_moves_with_the_goal_above_and_a_measure_is_missing(followed: tuple[Path, IndicatorsRecord]) -> None:
    folder, record = followed
    assert verdicts(record) == {"sales": "nothing to compare", "visits": "moves with"}
    (visits,) = (each for each in record.metrics if each.metric == "visits")
    (association,) = visits.associations
    assert (association.outcome, association.lag, association.groups) == ("sales", 0, OWNERS)
    assert (visits.goals, visits.people, visits.periods) == (OWNERS * BELOW * QUARTERS, OWNERS * BELOW, QUARTERS)
    assert sum(visits.by_tenth) == visits.goals
    assert [each.measure for each in record.missing] == ["demos"]
    assert kept_indicators(folder / "home") == record


def test_where_nothing_follows_nothing_is_said(tmp_path: Path) -> None:
    record = judge(tmp_path, write_world(tmp_path / "data", follows=0.0))
    assert verdicts(record)["visits"] == "no association"
    assert record.missing == () and record.looked_at == 3


@pytest.mark.slow
def test_what_is_against_the_goal_above_contradicts_it(tmp_path: Path) -> None:
    record = judge(tmp_path, write_world(tmp_path / "data", follows=-1.0))
    (visits,) = (each for each in record.metrics if each.metric == "visits")
    assert (visits.verdict, visits.flags) == ("misleads", ("contradictory",))
    assert record.missing == (), "a measure that is good while the goal above is bad is no indicator"


@pytest.mark.slow
def test_few_periods_are_insufficient(tmp_path: Path) -> None:
    record = judge(tmp_path, write_world(tmp_path / "data", quarters=3), as_of=dt.date(2024, 10, 1))
    assert verdicts(record)["visits"] == "insufficient"


@pytest.mark.slow
def test_a_declared_fact_is_an_outcome(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "perfml.toml").write_text('name = "mine"\n')
    (project / "models" / "indicators.toml").write_text('[serves.visits]\nfacts = ["demos"]\n')
    data = write_world(tmp_path / "data")
    record = Project(project, home=tmp_path / "home").indicators(data, as_of=AS_OF)
    (visits,) = (each for each in record.metrics if each.metric == "visits")
    assert {(each.outcome, each.outcome_kind) for each in visits.associations} == {
        ("sales", "goal"),
        ("demos", "facts"),
    }


@pytest.mark.slow
def test_the_future_changes_nothing(followed: tuple[Path, IndicatorsRecord], tmp_path: Path) -> None:
    """Rows that happened or became known from the as-of date on."""
    folder, _ = followed
    earlier = dt.date(2025, 7, 1)
    before = judge(tmp_path, folder / "data", as_of=earlier)
    data = write_world(tmp_path / "data")
    for name, moment in (("progress", "measured_at"), ("facts", "business_date")):
        path = data / f"{name}.csv"
        frame = pd.read_csv(path)
        later = frame[moment] >= str(earlier)
        assert later.any()
        frame.loc[later, "actual" if name == "progress" else "value"] = 0
        frame.to_csv(path, index=False)
    assert judge(tmp_path, data, as_of=earlier) == before


@pytest.mark.slow
def test_without_goals_it_says_so(tmp_path: Path) -> None:
    data = write_world(tmp_path / "data")
    (data / "goals.csv").unlink()
    record = judge(tmp_path, data)
    assert record.metrics == () and record.notices[0].code == "indicators_no_table"
