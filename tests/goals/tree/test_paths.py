"""Paths to company goals: every kind of break, against a naive walk, and nothing from the future."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.evidence.sources import Data
from perfml.goals.tree.alignment import PersonAlignment, by_group, together
from perfml.goals.tree.coverage import coverage, silos
from perfml.goals.tree.paths import PATH_STATUSES, trace
from perfml.goals.tree.reading import GoalTree, read_tree
from perfml.goals.tree.rows import MOST_STEPS, alignment_rows, path_rows
from perfml.goals.tree.wording import KeptPath
from perfml.messages import render
from tests.goals.tree.company import DAY, GOALS, OBJECTIVES, POSITIONS, TRUE, company


def statuses(data: Data, day: dt.date = DAY) -> dict[str, tuple[str, str | None]]:
    tree = read_tree(data, day)
    rows = path_rows(tree, trace(tree)).to_pylist()
    data.close()
    return {row["goal_id"]: (row["status"], row["cause"]) for row in rows}


def test_every_kind_of_break_is_told_from_the_others(tmp_path: Path) -> None:
    assert statuses(company(tmp_path)) == TRUE


def test_a_path_says_what_serves_what_or_where_it_ends(tmp_path: Path) -> None:
    data = company(tmp_path)
    tree = read_tree(data, DAY)
    rows = {row["goal_id"]: KeptPath.of(row) for row in path_rows(tree, trace(tree)).to_pylist()}
    texts = {name: render(path.text, "en") for name, path in rows.items()}
    assert texts["b1"] == "revenue serves revenue (person), which serves sell (department), which serves grow (company)"
    assert texts["b2"] == "visits serves no company goal: visits names nothing above it"
    assert texts["d1"].endswith("there the path ends: visits (person) names nothing above it")
    assert texts["c4"].endswith("whoever had care (person) has left, and nobody took it over")
    assert texts["c3"].endswith("is not in force: it has ended, or has not begun")
    assert "circle" in texts["d2"] and [step.id for step in rows["d2"].path] == ["d3"]
    assert "服务于" in render(rows["b1"].text, "zh")
    data.close()


def test_shares_of_weight_add_up_and_everybody_counts_the_same(tmp_path: Path) -> None:
    data = company(tmp_path)
    tree = read_tree(data, DAY)
    table = alignment_rows(tree, trace(tree))
    people = [PersonAlignment(**row) for row in table.drop_columns(["as_of"]).to_pylist()]
    own = {person.employee_id: person for person in people}
    assert own["ben"].aligned == own["ben"].orphan == 0.5 and own["cas"].broken == 1.0
    assert own["dan"].circle == pytest.approx(0.7) and own["dan"].goals == 3, "of 200 %"
    assert all(sum(getattr(person, name) for name in PATH_STATUSES) == pytest.approx(1, abs=1e-12) for person in people)
    assert together(people).share == pytest.approx((1 + 0.5) / 4)
    groups = by_group(people, lambda person: person.department)
    assert [(name, means.people, means.share) for name, means in groups.items()] == [
        ("sales", 3, 0.5),
        ("service", 1, 0.0),
    ]
    data.close()


def test_who_works_on_a_company_goal_and_which_department_lacks_it(tmp_path: Path) -> None:
    data = company(tmp_path)
    tree = read_tree(data, DAY)
    (covered,) = coverage(tree, trace(tree))
    assert (covered.goal_id, covered.people, covered.departments) == ("o1", 2, ("sales",))
    assert covered.people_share == 0.5 and covered.weight_share == pytest.approx(1.5 / 4)
    (flag,) = silos(data, tree)
    assert (flag.goal_id, flag.basis, flag.has, flag.lacks) == ("o1", "declared", ("sales",), ("service",))
    data.close()


def test_a_department_that_used_to_have_a_metric_is_flagged_once_it_has_none(tmp_path: Path) -> None:
    people = [f"p{n}" for n in range(10)]
    head = "goal_id | employee_id | metric | core | weight | target | period_start | period_end | effective_on"
    rows = [head]
    quarters = [("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30"), ("2025-07-01", "2025-09-30")]
    for at, (first, last) in enumerate([*quarters, ("2025-10-01", "2025-12-31")]):
        for n, person in enumerate(people):
            metric = "complaints" if at < 3 or n < 5 else "calls"
            rows.append(f"g{at}{n} | {person} | {metric} | true | 100 | 1 | {first} | {last} | {first}")
    data = company(
        tmp_path,
        employees="\n".join(["employee_id | hired_on", *(f"{person} | 2020-01-01" for person in people)]),
        positions="\n".join(
            [
                "employee_id | effective_on | manager_id | department",
                *(f"{person} | 2020-01-01 | | {'service' if n < 5 else 'product'}" for n, person in enumerate(people)),
            ]
        ),
        exits="employee_id | exited_on | kind",
        goals="\n".join(rows),
    )
    tree = read_tree(data, dt.date(2025, 11, 1))
    (flag,) = silos(data, tree)
    assert (flag.metric, flag.basis, flag.has, flag.lacks) == ("complaints", "earlier", ("service",), ("product",))
    assert silos(data, read_tree(data, dt.date(2025, 9, 1))) == (), "both have it"
    data.close()


@pytest.mark.slow
def test_without_objectives_the_goals_of_the_head_count_and_without_a_head_nothing_is_claimed(tmp_path: Path) -> None:
    nothing = OBJECTIVES.partition("\n")[0]
    data = company(tmp_path / "head", objectives=nothing, goals=GOALS.replace("| o2", "|"))
    assert (read_tree(data, DAY).basis, statuses(data)["b1"]) == ("head", ("aligned", None))
    data = company(
        tmp_path / "none", objectives=nothing, goals=GOALS.replace("| o2", "|"), positions=POSITIONS.partition("\n")[0]
    )
    without = statuses(data)
    assert without["b1"] == ("insufficient", "nothing_named")
    assert without["d2"] == TRUE["d2"] and without["c2"] == TRUE["c2"]


@pytest.mark.slow
def test_nothing_that_becomes_known_later_changes_a_path(tmp_path: Path) -> None:
    before = statuses(company(tmp_path / "before"))
    later = [
        "b2 | ben | visits | true | 50 | 10 | visits | 2026-01-01 | 2026-12-31 | 2026-02-01 | a1 | 2026-06-01 00:00:00",
        "c2 | cas | care | true | 20 | 10 | cases | 2026-01-01 | 2026-12-31 | 2026-06-01 | o1 |",
    ]
    goals = [line + (" | known_at" if at == 0 else " |") for at, line in enumerate(GOALS.split("\n"))]
    changed = "\n".join([*goals, *later])
    objectives = OBJECTIVES + "\no3 | department | service | | care | care | 2026-06-01 | o1"
    tables = {"goals": changed, "objectives": objectives}
    assert statuses(company(tmp_path / "after", **tables)) == before
    following = statuses(company(tmp_path / "next", **tables), DAY + dt.timedelta(days=1))
    assert following["b2"] == following["c2"] == following["c1"] == ("aligned", None)


def naive(parent: list[int], top: list[bool], left: list[bool], node: int) -> tuple[str, int]:
    """(status, end) by walking step by step."""
    passed: list[int] = []
    while not (top[node] or left[node] or parent[node] < 0):
        if node in passed:
            return "circle", -1
        passed.append(node)
        node = parent[node]
    if top[node] and not left[node]:
        return "aligned", node
    return ("orphan" if not passed and parent[node] == -1 and not left[node] else "broken"), node


@pytest.mark.slow
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_doubling_agrees_with_walking(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parent = np.where(rng.random(n) < 0.2, rng.integers(-3, 0, n), rng.integers(0, n, n))
    top = rng.random(n) < 0.1
    left = (rng.random(n) < 0.1) & ~top
    tree = GoalTree(
        as_of=DAY,
        goals=pd.DataFrame({"goal_id": np.arange(n)}),
        objectives=pd.DataFrame(),
        people=pd.DataFrame(),
        parent=parent,
        top=top,
        ownerless=left,
        basis="objectives",
    )
    paths = trace(tree)
    for node in range(n):
        status, end = naive(parent.tolist(), top.tolist(), left.tolist(), node)
        status_of = PATH_STATUSES[paths.status[node]]
        assert status_of == status or (left[node] and status_of == "orphan")
        assert status == "circle" or paths.end[node] == end
        assert paths.on_circle[node] == (status == "circle" and _returns(parent.tolist(), node))


def _returns(parent: list[int], node: int) -> bool:
    at = parent[node]
    for _ in parent:
        if at == node:
            return True
        at = parent[at]
    return False


def test_a_long_chain_is_followed_to_its_end_and_listed_in_part(tmp_path: Path) -> None:
    year = "2026-01-01 | 2026-12-31 | 2026-01-01"
    head = "goal_id | employee_id | metric | core | weight | target | period_start | period_end | effective_on"
    rows = [f"g{n} | ana | calls | true | 1 | 1 | {year} | {f'g{n + 1}' if n < 99 else 'o1'}" for n in range(100)]
    data = company(tmp_path, goals="\n".join([f"{head} | parent_goal_id", *rows]))
    tree = read_tree(data, DAY)
    first = next(row for row in path_rows(tree, trace(tree)).to_pylist() if row["goal_id"] == "g0")
    assert (first["status"], first["end_id"], first["steps"], len(first["path"])) == ("aligned", "o1", 100, MOST_STEPS)
    data.close()
