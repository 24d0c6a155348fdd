"""What of milestones is known at a day, and what each waits for."""

from __future__ import annotations

import numpy as np
import pytest

from tests.goals.milestones.record import record


def test_a_day_that_was_not_reached_is_not_known() -> None:
    looked = record({"finished": 20.0, "marked": 25.0})
    assert np.isnan(looked.at(20).number("finished")).all(), "it happens on that day"
    assert looked.at(21).number("finished").tolist() == [20.0]
    assert np.isnan(looked.at(25).number("marked")).all()
    assert looked.at(26).number("marked").tolist() == [25.0]


def test_what_became_known_later_changes_nothing_before() -> None:
    looked = record({"until": 40}, {"finished": 20.0, "marked": 22.0, "due": 50.0, "known": 40})
    before, after = looked.at(40), looked.at(41)
    assert np.isnan(before.number("finished")).all() and before.number("due").tolist() == [30.0]
    assert after.number("finished").tolist() == [20.0] and after.number("first_due").tolist() == [30.0]


def test_dependencies_are_of_the_goal_or_across_goals_and_unknown_ones_are_named() -> None:
    looked = record(
        {"name": "a"}, {"name": "b", "depends_on": ["a", "nothing"]}, {"goal_id": "h", "depends_on": ["g/b"]}
    ).at(10)
    rows = {key: row for row, key in enumerate(zip(looked.rows["goal_id"], looked.rows["name"], strict=True))}
    assert list(looked.waits_for(rows["g", "b"])) == [rows["g", "a"]]
    assert list(looked.waits_for(rows["h", "a"])) == [rows["g", "b"]]
    assert list(looked.unknown[rows["g", "b"]]) == ["nothing"]
    assert looked.order.index(rows["g", "a"]) < looked.order.index(rows["g", "b"]) < looked.order.index(rows["h", "a"])


@pytest.mark.parametrize("back", ["a", "b"])
def test_a_circle_is_not_walked(back: str) -> None:
    looked = record({"name": "a", "depends_on": ["b"]}, {"name": "b", "depends_on": [back]}).at(10)
    assert looked.circle.all() and not any(looked.waits_for(row) for row in range(2))
    assert sorted(looked.order) == [0, 1]


def test_the_plan_begins_when_what_it_waits_for_is_due() -> None:
    looked = record({"name": "a"}, {"name": "b", "due": 50.0, "depends_on": ["a"]}).at(10)
    assert looked.planned_start.tolist() == [0.0, 30.0] and looked.span.tolist() == [30.0, 20.0]
