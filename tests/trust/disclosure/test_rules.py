"""The rules equal the formulas of the handbook (Hundepool et al. 2012, Statistical Disclosure Control, chapter 4)."""

from __future__ import annotations

import datetime as dt
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfml.arrays import Floats
from perfml.disclosure.bounds import bounds
from perfml.disclosure.budget import QueryBudget
from perfml.disclosure.outcomes import withheld_outcomes
from perfml.disclosure.primary import primary
from perfml.disclosure.tables import GroupTable
from perfml.project.spec import DisclosureRules

RULES = DisclosureRules()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "few people"),
        ([3.0] * 5, "few people"),
        ([3.0] * 6, None),
        ([3.0] * 5 + [0.0], "few people"),  # a value of nothing hides nobody
        ([60.0, 25, 5, 4, 3, 3], None),  # 85 of 100
        ([60.0, 26, 5, 3, 3, 3], "dominated"),  # 86 of 100
    ],
)
def test_by_hand(values: list[float], why: str | None) -> None:
    assert primary(np.array(values), RULES) == why


def test_p_percent_by_hand() -> None:
    """The second largest knows the sum and their own value: what is left exceeds the largest by the rest."""
    rules = DisclosureRules(dominant_share=1.0, p_percent=10)
    assert primary(np.array([100.0, 50, 3, 3, 2, 2]), rules) is None  # 10 = 10 % of 100
    assert primary(np.array([100.0, 50, 3, 3, 2, 1]), rules) == "p percent"  # 9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10_000), min_size=6, max_size=15), st.integers(1, 40))
def test_p_percent_is_what_any_one_contributor_can_work_out(values: list[int], p: int) -> None:
    """Over all contributors j and targets i: X - x_j bounds x_i; the rule asks of the closest of these bounds."""
    rules = DisclosureRules(dominant_share=1.0, p_percent=p)
    total = sum(values)
    closest = any(
        (total - values[j] - values[i]) * 100 < p * values[i]
        for i, j in product(range(len(values)), repeat=2)
        if i != j
    )
    assert (primary(np.array(values, float), rules) == "p percent") == closest


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=4, max_size=4), st.integers(0, 3))
def test_bounds_equal_all_tables_with_the_same_margins(cells: list[int], target: int) -> None:
    """A table of two by two with both margins: every integer table is tried."""
    member = np.array([[1.0, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]])
    sums = member @ np.array(cells, float)
    possible = [each[target] for each in product(range(9), repeat=4) if (member @ each == sums).all()]
    alone = np.eye(4)[target]
    range_of = bounds(alone, member, sums)
    assert (range_of.low, range_of.high) == pytest.approx((min(possible), max(possible)), abs=1e-6)


def test_a_cell_is_not_worked_out_from_margins() -> None:
    """Three by three, one small cell: with it a rectangle is withheld, as in the handbook, and margins stay."""
    counts = np.array([[3, 20, 30], [25, 15, 40], [18, 22, 35]])
    row, column = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    cells = [(row == r) & (column == c) for r, c in product(range(3), repeat=2)]
    margins = [row == r for r in range(3)] + [column == c for c in range(3)]
    people = len(row)
    table = GroupTable(
        member=np.array(cells + margins),
        person=np.arange(people),
        values=np.ones((people, 1)),
        known=np.arange(15) >= 9,
    )
    causes = table.withheld(RULES)
    withheld = np.array([why is not None for why in causes[:9]]).reshape(3, 3)
    assert causes[0] == "few people" and causes[9:] == (None,) * 6
    assert withheld.sum() == 4 and withheld.any(axis=1).sum() == withheld.any(axis=0).sum() == 2


def test_outcomes_of_groups() -> None:
    """Fourteen people with three cases are not shown, nor is the group that everybody less them are."""
    small = np.arange(100) < 14
    label = np.r_[np.ones(3), np.zeros(11), np.ones(20), np.zeros(66)]
    member, person = np.array([small, ~small]), np.arange(100)
    assert withheld_outcomes(member, label=label, person=person, rules=RULES) == ("few people", "complementary")
    enough = np.tile([1.0, 0.0], 50)
    assert withheld_outcomes(member, label=enough, person=person, rules=RULES) == (None, None)


def test_many_rows_of_one_person_are_one_person() -> None:
    person = np.repeat(np.arange(4), 30)
    label: Floats = np.tile([1.0, 0.0], 60)
    assert withheld_outcomes(np.ones((1, 120), bool), label=label, person=person, rules=RULES) == ("few people",)


def test_one_group_alone() -> None:
    """With nothing beside it, it is only looked at by itself."""
    people = np.arange(12)
    values = np.column_stack([np.ones(12), np.linspace(1, 2, 12)])
    table = GroupTable(member=np.ones((1, 12), bool), person=people, values=values, known=np.zeros(1, bool))
    assert table.withheld(RULES) == (None,)


def test_a_budget_is_of_one_client_and_one_day() -> None:
    budget, day = QueryBudget(2), dt.date(2026, 3, 1)
    assert [budget.spend("a", day) for _ in range(3)] == [True, True, False]
    assert budget.spend("b", day) and budget.spend("a", day + dt.timedelta(days=1))
    assert budget.spend("a", day), "an earlier day counts as the newest"


def test_acro_judges_alike() -> None:
    """ACRO 1.0.2 (MIT) of sums in a cross table: its outcomes with a threshold of 6, n = 2, k = 0.85 and p = 0.1."""
    lines = (Path(__file__).parent / "acro.csv").read_text(encoding="utf-8").splitlines()[1:]
    judged = [line.split(",") for line in lines]
    named = {"few people": "MinimumThresholdCheck", "dominated": "NKCheck", "p percent": "PPercentCheck", None: "ok"}
    for outcome, values in judged:
        why = primary(np.array(values.split(), float), RULES)
        assert named[why] in outcome.split(), (values, why, outcome)
    assert {outcome for outcome, _ in judged} >= {"ok", "MinimumThresholdCheck", "NKCheck"}
