"""The version of a goal in force, which later decisions do not alter."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.targets.ledger import begun_after, habitual_attainment, in_force, newest_signals, preceding_goals
from perfml.evidence.features import build
from perfml.evidence.sources import Data
from tests.tables import opened, shipped, write_tables

HEADER = "goal_id | employee_id | metric | core | weight | target | period_start | period_end | effective_on | known_at"
PEOPLE = "employee_id | hired_on\nana | 2020-01-01\nben | 2020-01-01"
YEAR = "2026-01-01 | 2026-12-31"
FIRST = f"""g1 | ana | visits | false | 40 | 100 | {YEAR} | 2026-01-01 |
g2 | ana | revenue | true | 60 | 500 | {YEAR} | 2026-01-01 |"""
AUGUST = f"""g1 | ana | visits | false | 25 | 90 | {YEAR} | 2026-08-01 | 2026-07-15
g2 | ana | revenue | true | 75 | 500 | {YEAR} | 2026-08-01 | 2026-07-15"""


def company(folder: Path, goals: str, **tables: str) -> Data:
    reviews = "review_id | employee_id | period_end | reviewed_on | rating"
    return opened(write_tables(folder, employees=PEOPLE, reviews=reviews, goals=f"{HEADER}\n{goals}", **tables))


def at(data: Data, day: str) -> pd.DataFrame:
    return in_force(data, dt.date.fromisoformat(day)).set_index("goal_id")


@pytest.mark.slow
def test_a_weight_changed_in_august_alters_nothing_before_august(tmp_path: Path) -> None:
    """Neither the version in force nor any feature: not even on the days when the change was known and still to come."""
    tables = {"progress": "goal_id | measured_at | actual\ng1 | 2026-06-30 | 30\ng2 | 2026-06-30 | 300"}
    plain = company(tmp_path / "plain", FIRST, **tables)
    changed = company(tmp_path / "changed", f"{FIRST}\n{AUGUST}", **tables)
    for day in ("2026-07-14", "2026-07-16", "2026-07-31", "2026-08-01"):
        pd.testing.assert_frame_equal(at(plain, day), at(changed, day))
        dates = [dt.date.fromisoformat(day)]
        pd.testing.assert_frame_equal(build(plain, shipped(), dates).frame, build(changed, shipped(), dates).frame)
    after = at(changed, "2026-08-02")
    assert after["weight"].to_dict() == {"g1": 25, "g2": 75}
    assert after.loc["g1", ["version", "target", "first_target", "first_weight"]].tolist() == [2, 90, 100, 40]
    for data in (plain, changed):
        data.close()


def test_a_goal_is_in_force_within_its_period_once_known(tmp_path: Path) -> None:
    data = company(
        tmp_path, "g1 | ana | visits | false | 100 | 100 | 2026-04-01 | 2026-06-30 | 2026-03-20 | 2026-04-10"
    )
    in_period = {day: len(at(data, day)) for day in ("2026-04-10", "2026-04-11", "2026-06-30", "2026-07-01")}
    assert in_period == {"2026-04-10": 0, "2026-04-11": 1, "2026-06-30": 1, "2026-07-01": 0}
    data.close()


def test_changes_count_against_window_and_year(tmp_path: Path) -> None:
    """Down a tenth in February and up a ninth in June are two changes, though nothing is left of them."""
    data = company(
        tmp_path,
        f"g1 | ana | visits | false | 40 | 100 | {YEAR} | 2026-01-01 |\n"
        f"g1 | ana | visits | false | 30 | 90 | {YEAR} | 2026-02-03 |\n"
        f"g1 | ana | visits | false | 35 | 100 | {YEAR} | 2026-06-02 |",
    )
    used = ["changed_percent_window", "changed_points_window", "changed_percent_year", "changed_points_year"]
    assert at(data, "2026-06-05").loc["g1", used].tolist() == pytest.approx([100 / 9, 5, 10 + 100 / 9, 15])
    assert at(data, "2026-07-05").loc["g1", used].tolist() == pytest.approx([0, 0, 10 + 100 / 9, 15])
    data.close()


def test_changes_of_more_than_a_year_ago_no_longer_count(tmp_path: Path) -> None:
    years = "2025-01-01 | 2026-12-31"
    data = company(
        tmp_path,
        f"g1 | ana | visits | false | 40 | 100 | {years} | 2025-01-01 |\n"
        f"g1 | ana | visits | false | 30 | 90 | {years} | 2025-05-01 |",
    )
    assert at(data, "2026-05-01").loc["g1", "changed_percent_year"] == pytest.approx(10)
    assert at(data, "2026-05-02").loc["g1", "changed_percent_year"] == 0
    data.close()


def test_a_correction_replaces_its_version(tmp_path: Path) -> None:
    data = company(
        tmp_path,
        f"g1 | ana | visits | false | 40 | 1000 | {YEAR} | 2026-01-01 |\n"
        f"g1 | ana | visits | false | 40 | 100 | {YEAR} | 2026-01-01 | 2026-03-01",
    )
    assert at(data, "2026-03-01").loc["g1", "target"] == 1000
    assert at(data, "2026-03-02").loc["g1", ["target", "version", "changed_percent_year"]].tolist() == [100, 1, 0]
    data.close()


def test_the_newest_measurement_and_its_definition(tmp_path: Path) -> None:
    data = opened(
        write_tables(
            tmp_path,
            employees=PEOPLE,
            reviews="review_id | employee_id | period_end | reviewed_on | rating",
            goals=f"{HEADER} | definition\n"
            f"g1 | ana | visits | false | 60 | 100 | {YEAR} | 2026-01-01 | | v1\n"
            f"g2 | ana | trainings | false | 40 | 100 | {YEAR} | 2026-01-01 | |\n"
            f"g3 | ben | visits | false | 100 | 100 | {YEAR} | 2026-01-01 | | v1\n"
            f"g3 | ben | visits | false | 100 | 70 | {YEAR} | 2026-03-01 | | v2",
            progress="goal_id | measured_at | actual | definition | known_at\n"
            "g1 | 2026-02-01 | 10 | v1 |\ng1 | 2026-03-10 | 14 | v2 |\ng1 | 2026-03-11 | 15 | v2 | 2026-05-01\n"
            "g2 | 2026-03-10 | 5 | v2 |\ng3 | 2026-03-10 | 14 | v2 |",
        )
    )
    early, late = at(data, "2026-02-15"), at(data, "2026-04-01")
    assert early["mismatch"].tolist() == [False, False, False]
    assert late["mismatch"].tolist() == [True, False, False]
    assert late["actual"].tolist() == [14, 5, 14]
    assert late.loc["g3", "changed_percent_year"] == 0, "a target restated with its definition has not changed"
    data.close()


@pytest.mark.slow
def test_without_goals_or_progress_nothing_breaks(tmp_path: Path) -> None:
    reviews = "review_id | employee_id | period_end | reviewed_on | rating"
    none = opened(write_tables(tmp_path / "none", employees=PEOPLE, reviews=reviews))
    assert len(in_force(none, dt.date(2026, 5, 1))) == 0
    none.close()
    only = company(tmp_path / "only", FIRST)
    assert np.isnan(at(only, "2026-05-01")["actual"]).all() and newest_signals(only, dt.date(2026, 5, 1), ["x"]) == {}
    only.close()


def test_the_goal_before(tmp_path: Path) -> None:
    quarters = [("2026-01-01", "2026-03-31"), ("2026-04-01", "2026-06-30"), ("2026-07-01", "2026-09-30")]
    rows = [
        f"{who}{n} | {who} | visits | false | 100 | {100 + 10 * n} | {first} | {last} | {first} |"
        for who in ("ana", "ben")
        for n, (first, last) in enumerate(quarters)
    ]
    measured = "ana0 | 2026-03-31 | 90\nana1 | 2026-06-25 | 99\nben1 | 2026-05-30 | 70\nana2 | 2026-07-20 | 7"
    data = company(tmp_path, "\n".join(rows), progress=f"goal_id | measured_at | actual\n{measured}")
    day = dt.date(2026, 7, 5)
    previous = preceding_goals(data, day).set_index("goal_id")
    assert previous["previous_goal_id"].to_dict() == {"ana1": "ana0", "ana2": "ana1"}, (
        "ben1 was not measured to its end"
    )
    goals = in_force(data, day)
    target, final = begun_after(data, goals, day)
    assert goals["goal_id"].tolist() == ["ana2", "ben2"]
    assert (target[0], final[0]) == (110, pytest.approx(99 / (86 / 91))) and np.isnan([target[1], final[1]]).all()
    assert np.isnan(begun_after(data, in_force(data, dt.date(2026, 8, 5)), dt.date(2026, 8, 5))[0]).all()
    data.close()


def test_signals_are_the_newest_known(tmp_path: Path) -> None:
    data = company(
        tmp_path,
        FIRST,
        signals="name | scope | month | value | known_at\ngrowth | north | 2026-05-01 | 0.1 | 2026-06-10\n"
        "growth | north | 2026-04-01 | 0.2 | 2026-05-10\ngrowth | | 2026-04-01 | 0.3 | 2026-05-10\nother | | 2026-04-01 | 9 |",
    )
    april, may = dt.date(2026, 4, 1), dt.date(2026, 5, 1)
    assert newest_signals(data, dt.date(2026, 6, 10), ["growth"]) == {
        ("growth", "north"): (april, 0.2),
        ("growth", ""): (april, 0.3),
    }
    assert newest_signals(data, dt.date(2026, 6, 11), ["growth"])[("growth", "north")] == (may, 0.1)
    data.close()


def test_habit_is_relative_to_the_others_and_shrunk(tmp_path: Path) -> None:
    """Ana attains 1.2 times what six others attain; one goal counts by a quarter. Ben has no others to compare with."""
    rows, measured = [], []
    for goal, owner, metric, actual in (
        *((f"x{n}", "x", "visits", 80) for n in range(6)),
        ("ana1", "ana", "visits", 96),
        ("ben1", "ben", "trainings", 150),
        ("low1", "ana", "trainings", 0),
    ):
        rows.append(f"{goal} | {owner} | {metric} | false | 100 | 100 | 2026-04-01 | 2026-06-30 | 2026-04-01 |")
        measured.append(f"{goal} | 2026-06-30 | {actual}")
    now = "2026-07-01 | 2026-09-30 | 2026-07-01 |"
    rows += [f"ana2 | ana | visits | false | 100 | 100 | {now}", f"ben2 | ben | trainings | false | 100 | 100 | {now}"]
    rows += [f"new2 | ben | visits | false | 100 | 100 | {now}"]
    measured.append("ana2 | 2026-07-20 | 500")
    data = company(tmp_path, "\n".join(rows), progress="\n".join(["goal_id | measured_at | actual", *measured]))
    day = dt.date(2026, 8, 1)
    goals = in_force(data, day)
    assert goals["goal_id"].tolist() == ["ana2", "ben2", "new2"]
    assert habitual_attainment(data, goals, day) == pytest.approx([np.log(1.2) / 4, np.log(1.5) / 4, 0])
    data.close()
