"""The planted breaks of the goal tree: named by the tree, each with its cause, and nothing else."""

from __future__ import annotations

from datetime import date

import pytest

from perfml.goals.tree.coverage import silos
from perfml.goals.tree.paths import trace
from perfml.goals.tree.reading import read_tree
from perfml.goals.tree.rows import path_rows
from tests.demo.company import Company
from tests.tables import opened

LAST = date(2026, 9, 30)
"""The last day of the last quarter."""


@pytest.mark.slow
def test_planted_breaks_and_the_silo_are_named(company: Company) -> None:
    with opened(company.folder) as data:
        tree = read_tree(data, LAST)
        rows = path_rows(tree, trace(tree)).select(["goal_id", "status", "cause"]).to_pylist()
        flags = silos(data, tree)
    named = {tuple(row.values()) for row in rows if row["status"] != "aligned"}
    planted = set(company.truth.goal_breaks.itertuples(index=False, name=None))
    assert {status for _, status, _ in planted} == {"orphan", "broken", "circle"}
    assert {cause for _, _, cause in planted} >= {"nothing_named", "unknown", "not_in_force", "circle"}
    right = len(named & planted)
    assert right >= 0.95 * len(planted) and right >= 0.95 * len(named)
    assert len(rows) > 5 * len(named), "most goals serve the company"
    declared = {(flag.goal_id, unit) for flag in flags if flag.basis == "declared" for unit in flag.lacks}
    assert declared == set(company.truth.silos.itertuples(index=False, name=None))
