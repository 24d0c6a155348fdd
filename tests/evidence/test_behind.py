"""The rows behind a value are those it was computed from: counted again, they give the value."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from perfml.errors import PerfmlError
from perfml.evidence.behind import rows_behind
from perfml.evidence.columns import Column
from perfml.evidence.features import build
from perfml.evidence.sources import Data, open_data
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from tests.simulated import END, Simulated

DEFINITIONS = ProjectFolder(STARTER).definitions
MOST = 100_000


@pytest.fixture(scope="module")
def opened(company_of_500: Simulated):
    data = open_data(company_of_500.data, DEFINITIONS.tables)
    yield data
    data.close()


@pytest.fixture(scope="module")
def evidence(opened: Data):
    return build(opened, DEFINITIONS, [END])


def column_of(evidence, name: str) -> Column:
    (match,) = (column for column in evidence.columns if column.name == name)
    return match


def behind(opened: Data, evidence, name: str, employee: str, most: int = MOST) -> dict[str, pd.DataFrame]:
    return rows_behind(
        opened,
        DEFINITIONS,
        column_of(evidence, name),
        employee_id=employee,
        as_of=END,
        kinds=evidence.kinds,
        most=most,
    )


COUNTS = [
    *("overtime_count_91d", "meeting_count_28d", "events_count_91d", "received_count_91d", "praise_received_364d"),
    *("feedback_received_count_91d", "login_count_91d"),
]


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.slow
def test_counted_again_they_give_the_value(opened: Data, evidence, name: str) -> None:
    people = evidence.frame[["employee_id", name]].dropna().sample(12, random_state=0)
    assert (people[name] > 0).any()
    for employee, value in people.itertuples(index=False):
        tables = behind(opened, evidence, name, employee)
        assert sum(len(rows) for rows in tables.values()) == value


@pytest.mark.parametrize("name", ["counterparts_91d", "counterparts_reached_91d", "counterparts_reaching_91d"])
def test_whom_they_name_gives_how_many_people_there_were(opened: Data, evidence, name: str) -> None:
    people = evidence.frame[["employee_id", name]].dropna().sample(12, random_state=1)
    assert (people[name] > 0).any()
    for employee, value in people.itertuples(index=False):
        events = behind(opened, evidence, name, employee).get(
            "events", pd.DataFrame({"employee_id": [], "counterpart_id": []})
        )
        met = set(events["employee_id"]) | set(events["counterpart_id"])
        assert len(met - {employee}) == value


def test_a_comparison_has_the_rows_of_what_it_compares_and_the_newest_come_first(opened: Data, evidence) -> None:
    name, compared = "overtime_count_91d", "overtime_count_91d_team_z"
    employee = evidence.frame.nlargest(1, name)["employee_id"].item()
    whole, few = (
        behind(opened, evidence, compared, employee)["events"],
        behind(opened, evidence, name, employee, 2)["events"],
    )
    assert len(few) == 2 < len(whole)
    assert whole["happened_at"].is_monotonic_decreasing and few.equals(whole.head(2))
    assert (whole["happened_at"] < pd.Timestamp(END)).all() and (whole["kind"] == "overtime").all()
    assert (whole["happened_at"] >= pd.Timestamp(END - dt.timedelta(days=91))).all()


def test_reviews_goals_and_positions_are_shown_as_they_were_known(opened: Data, evidence) -> None:
    frame = evidence.frame
    employee = frame[frame["last_rating"].notna() & frame["past_attainment"].notna()]["employee_id"].iloc[0]
    tables = behind(opened, evidence, "last_rating", employee)
    reviews = tables["reviews"]
    assert (reviews["employee_id"] == employee).all() and (reviews["reviewed_on"] < pd.Timestamp(END)).all()
    assert reviews.iloc[0]["rating"] == frame.set_index("employee_id").loc[employee, "last_rating"]
    goals = behind(opened, evidence, "past_attainment", employee)
    assert set(goals) == {"goals", "progress"} and (goals["goals"]["employee_id"] == employee).all()
    assert set(goals["progress"]["goal_id"]) <= set(goals["goals"]["goal_id"])
    (hired,) = behind(opened, evidence, "tenure_days", employee)["people"].to_dict("records")
    tenure = frame.set_index("employee_id").loc[employee, "tenure_days"]
    assert (np.datetime64(END) - np.datetime64(hired["hired_on"], "D")).astype(int) == tenure


def test_what_is_read_from_other_evidence_is_told_by_the_rows_behind_that(opened: Data, evidence) -> None:
    employee = evidence.frame.nlargest(1, "days_changed_undiscussed")["employee_id"].item()
    tables = behind(opened, evidence, "days_changed_undiscussed", employee)
    assert (tables["goals"]["employee_id"] == employee).all() and len(tables["goals"]) > tables["goals"][
        "goal_id"
    ].nunique()
    assert (tables["events"]["kind"] == "feedback_received").all()
    assert tables["goals"]["effective_on"].is_monotonic_decreasing


def test_a_column_that_nothing_makes_is_refused(opened: Data, evidence) -> None:
    from dataclasses import replace

    absent = replace(column_of(evidence, "overtime_count_91d"), name="gone_28d")
    with pytest.raises(PerfmlError, match="gone_28d: no definition produces this column"):
        rows_behind(opened, DEFINITIONS, absent, employee_id="E1", as_of=END, kinds=evidence.kinds)
