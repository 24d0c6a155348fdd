"""Sums of a kept file after somebody was held: on the command line, in Python and in the service the same."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from perfml import Project
from perfml.cli import app
from perfml.goals.files import kept_rows
from perfml.goals.sums.added_again import added_again
from perfml.scoring.people.files import people_facts
from perfml.service.answers.work.goals import SumsQuery, goal_sums
from perfml.service.store import Store
from perfml.trust.notices.notice_log import NoticeLog
from tests.advice.targets.worlds import NOW, world
from tests.tables import write_tables

pytestmark = pytest.mark.slow
AMOUNTS = ["target", "actual", "expected"]
NAMES = ["level", "department", "manager_id", "employee_id", "metric"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The goals of 40 people, kept: e00 leads e01 and e02, who lead everybody else; three departments."""
    folder = world(tmp_path_factory.mktemp("world"))
    goals = pd.read_csv(folder / "goals.csv").assign(unit="calls")
    people = sorted(goals["employee_id"].unique())
    chain = {"e00": None, "e01": "e00", "e02": "e00"}
    positions = pd.DataFrame(
        {
            "employee_id": people,
            "effective_on": "2020-01-01",
            "manager_id": [chain.get(person, f"e0{1 + at % 2}") for at, person in enumerate(people)],
            "department": [f"d{at % 3}" for at in range(len(people))],
        }
    )
    data = write_tables(folder, goals=goals, positions=positions)
    opened = Project(home=tmp_path_factory.mktemp("home"))
    opened.goals(data, as_of=NOW)
    return opened


def frame(table: pa.Table) -> pd.DataFrame:
    rows: pd.DataFrame = table.to_pandas()
    return rows[rows["level"].notna()].sort_values(NAMES).reset_index(drop=True)


def test_what_is_added_up_again_is_what_was_kept(project: Project) -> None:
    day, rows = kept_rows(project.home, "sums")
    managers = {person: facts.manager_id for person, facts in people_facts(project.home, day).items()}
    nobody = pa.Table.from_pylist([{**dict.fromkeys(rows.schema.names), "employee_id": "x"}], schema=rows.schema)
    again = added_again(pa.concat_tables([rows, nobody]), managers)
    pd.testing.assert_frame_equal(frame(again), frame(rows), rtol=1e-12, check_dtype=False)
    assert added_again(rows, managers) is rows


def test_whoever_is_held_after_a_run_is_in_no_sum(project: Project) -> None:
    before = frame(project.kept_goals().sums)
    NoticeLog(project.home).opt_out("e05", by="e05", on=dt.date(2026, 9, 3))
    after = frame(project.kept_goals().sums)
    opted = before[before["employee_id"] == "e05"].iloc[0]
    assert "e05" not in set(after["employee_id"])
    keys = ["level", "department", "manager_id"]
    both = before[before["level"] != "person"].merge(after, on=keys, suffixes=("", "_now"))
    concerned = (
        (both["level"] == "company")
        | ((both["level"] == "department") & (both["department"] == opted["department"]))
        | ((both["level"] == "line") & both["manager_id"].isin([opted["manager_id"], "e00"]))
        | (
            (both["level"] == "team")
            & (both[["department", "manager_id"]] == opted[["department", "manager_id"]]).all(axis=1)
        )
    )
    assert concerned.sum() == 5 and len(both) == (before["level"] != "person").sum()
    for name in AMOUNTS:
        less = both[name] - both[f"{name}_now"]
        assert less[concerned].tolist() == pytest.approx([opted[name]] * 5)
        assert less[~concerned].abs().max() < 1e-9
    assert both.loc[concerned, "low_now"].isna().all(), "no interval was computed for these goals"
    assert both.loc[~concerned, "low_now"].tolist() == both.loc[~concerned, "low"].tolist()


def test_every_way_in_gives_the_same_sums(project: Project) -> None:
    NoticeLog(project.home).opt_out("e05", by="e05", on=dt.date(2026, 9, 3))
    home = ["--home", str(project.home), "--json"]
    printed = {
        level: json.loads(CliRunner().invoke(app, ["goals", "sums", "--level", level, *home]).stdout)
        for level in ("company", "department")
    }
    store = Store(project.home)
    served = goal_sums(store, SumsQuery(by="department"))
    for level, answers in (("company", served.whole), ("department", served.groups)):
        assert len(answers) == len(printed[level])
        for answer, row in zip(answers, printed[level], strict=True):
            assert {name: getattr(answer, name) for name in (*AMOUNTS, "people", "goals", "unknown", "low")} == (
                {name: row[name] for name in (*AMOUNTS, "people", "goals", "unknown", "low")}
            )
    assert printed["company"][0]["people"] == 39


def test_after_a_stop_nothing_is_said(project: Project) -> None:
    project.stop(by="hr", reason="the data are being checked today", today="2026-09-03")
    try:
        assert project.kept_goals().sums.column("expected").null_count == project.kept_goals().sums.num_rows
    finally:
        project.resume(by="hr", reason="the data are being checked today", today="2026-09-03")
