"""Whoever asks everything and subtracts learns nobody's value; without the rules the same attacker does."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.arrays import Bools, Floats
from perfml.project.spec import DisclosureRules
from tests.trust.disclosure.attacker import groups_of_filters, published, recovered, table_of

RULES = DisclosureRules()


def company(seed: int) -> tuple[Bools, Floats]:
    """Every group of department, manager and unit of forty people, with what each sold."""
    rng = np.random.default_rng(seed)
    departments = rng.choice(["North", "South", "West"], 40, p=[0.5, 0.4, 0.1])
    managers = [f"{department}{rng.integers(2)}" for department in departments]
    units = rng.choice(["a", "b"], 40, p=[0.8, 0.2])
    return groups_of_filters([departments.tolist(), managers, units.tolist()]), rng.lognormal(8, 1, 40).round(2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_filters_give_nobody_away(seed: int) -> None:
    member, values = company(seed)
    table = table_of(member, values)
    shown = published(table, RULES)
    assert recovered(table, shown) == []
    assert shown.sum() > 1, "not by showing nothing"


@pytest.mark.slow
def test_without_rules_the_attacker_succeeds() -> None:
    """So that the tests beside it can fail."""
    assert any(recovered(table, published(table, None)) for table in (table_of(*company(seed)) for seed in range(4)))


@pytest.mark.parametrize("joins", [True, False])
def test_the_day_before_and_the_day_after_somebody_joins_or_leaves(joins: bool) -> None:
    """Each group is large enough, and their difference is one person."""
    values = np.array([5.0, 7, 9, 6, 8, 5, 4, 7, 30])
    before, after = np.arange(9) < 8, np.ones(9, dtype=bool)
    member = np.array([before, after] if joins else [after, before])
    table = table_of(member, values)
    assert table.primary(RULES) == (None, None)
    assert recovered(table, published(table, None)) == [(8, 30.0)]
    shown = published(table, RULES)
    assert recovered(table, shown) == [] and shown.sum() == 1


def test_the_day_before_was_answered_already() -> None:
    """An answer that is known cannot be taken back: the next one is withheld."""
    member = np.array([np.arange(9) < 8, np.ones(9, dtype=bool)])
    table = table_of(member, np.full(9, 5.0), known=np.array([True, False]))
    assert table.withheld(RULES) == (None, "complementary")
    assert recovered(table, published(table, RULES)) == []


@pytest.mark.slow
def test_primary_rules_alone_do_not_help() -> None:
    """The small department is withheld, and what is shown of all and of the others gives it away."""
    small = np.arange(20) < 1
    member = np.array([np.ones(20, dtype=bool), small, ~small])
    table = table_of(member, np.arange(1.0, 21))
    by_itself = np.array([why is None for why in table.primary(RULES)])
    assert by_itself.tolist() == [True, False, True] and recovered(table, by_itself) == [(0, 1.0)]
    assert recovered(table, published(table, RULES)) == []
