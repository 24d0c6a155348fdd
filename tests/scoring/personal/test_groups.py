"""An attacker who knows their own line, and adds and subtracts what they read, works out nobody else's value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest

from perfml.project.spec import DisclosureRules
from perfml.scoring.personal.groups import Above, Comparison, PeopleGroup

RULES = DisclosureRules()
Groups = list[list[PeopleGroup]]
Used = Mapping[int, PeopleGroup]


def company(seed: int) -> tuple[Comparison, Groups]:
    """People in departments and kinds of work of many sizes, under managers of one to three levels."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(25, 60))
    departments = rng.choice(4, n, p=[0.5, 0.3, 0.15, 0.05])
    families = np.where(rng.random(n) < 0.8, departments % 2, 2)
    above: dict[int, int | None] = {0: None}
    for person in range(1, n):
        same = [other for other in range(max(0, person - 12), person) if departments[other] == departments[person]]
        above[person] = int(rng.choice(same)) if same and rng.random() < 0.9 else 0
    lines: dict[int, Above] = {}
    for person in range(n):
        chain, manager = [], above[person]
        while manager is not None:
            chain.append(manager)
            manager = above[manager]
        lines[person] = frozenset(chain)
    values = np.round(rng.uniform(1, 5, n), 1)
    values[rng.random(n) < 0.1] = np.nan
    groups = [
        [PeopleGroup(kind="department", name=str(k), people=np.flatnonzero(departments == k)) for k in range(4)],
        [PeopleGroup(kind="role_family", name=str(k), people=np.flatnonzero(families == k)) for k in range(3)],
        [PeopleGroup(kind="company", name="", people=np.arange(n))],
    ]
    return Comparison(values=values, lines=lines, rules=RULES), [[g for g in kind if len(g.people)] for kind in groups]


def readers(comparison: Comparison) -> Iterator[set[int]]:
    """Whom each person reads: themself, and everyone below."""
    for reader in comparison.lines:
        yield {reader, *(person for person, above in comparison.lines.items() if reader in above)}


def worked_out(comparison: Comparison, used: Used) -> int:
    """How often a reader works out the value of somebody whom they may not read, from all the sums that they read."""
    hits = 0
    known = ~np.isnan(comparison.values)
    for own in readers(comparison):
        others = np.array([known[p] and p not in own for p in range(len(known))])
        sums = {used[person] for person in own if person in used}
        if not sums or not others.any():
            continue
        member = np.array([np.isin(np.flatnonzero(others), group.people) for group in sums], dtype=float)
        free = np.eye(member.shape[1]) - np.linalg.pinv(member) @ member
        hits += int((np.abs(np.diag(free)) < 1e-9).sum())
    return hits


def fewest_left(comparison: Comparison, used: Used) -> int:
    """The fewest people, beside nobody, whose sum a reader has: of a group, or of one without another within it."""
    known, fewest = set(np.flatnonzero(~np.isnan(comparison.values)).tolist()), 10**6
    for own in readers(comparison):
        left = [set(group.people.tolist()) & known - own for group in {used[p] for p in own if p in used}]
        sizes = [len(part) for part in left] + [len(a - b) for a in left for b in left if b < a]
        fewest = min([fewest, *(size for size in sizes if size)])
    return fewest


def naive(comparison: Comparison, groups: Groups) -> Used:
    """What a rule of six people a group would use."""
    large = [[group for group in kind if len(group.people) > RULES.min_others] for kind in groups]
    return {int(person): group for kind in reversed(large) for group in kind for person in group.people}


def with_rules(comparison: Comparison, groups: Groups) -> Used:
    return comparison.usable(groups)


def attacked(use: Callable[[Comparison, Groups], Used], seeds: Sequence[int]) -> tuple[int, int]:
    hits, fewest = 0, 10**6
    for seed in seeds:
        comparison, groups = company(seed)
        used = use(comparison, groups)
        hits += worked_out(comparison, used)
        fewest = min(fewest, fewest_left(comparison, used))
    return hits, fewest


def test_who_subtracts_works_out_nobody() -> None:
    hits, fewest = attacked(with_rules, range(12))
    assert hits == 0
    assert fewest >= RULES.min_others


def test_without_the_rules_the_attack_succeeds() -> None:
    hits, fewest = attacked(naive, range(12))
    assert hits > 0 and fewest < RULES.min_others


def test_large_groups_are_used() -> None:
    """Or withholding everything would pass."""
    used = [len(comparison.usable(groups)) / len(comparison.values) for comparison, groups in map(company, range(12))]
    assert np.mean(used) > 0.5


@pytest.mark.parametrize(("size", "shown"), [(5, False), (6, True)])
def test_at_least_five_others(size: int, shown: bool) -> None:
    values = np.linspace(3, 4, size)
    group = PeopleGroup(kind="department", name="a", people=np.arange(size))
    assert (0 in Comparison(values=values, lines={}, rules=RULES).usable([[group]])) is shown


def test_a_manager_who_knows_nearly_all_of_a_department_is_told_nothing_of_the_rest() -> None:
    values = np.linspace(3, 4, 12)
    group = PeopleGroup(kind="department", name="a", people=np.arange(12))
    line = {person: frozenset({0}) for person in range(1, 10)}
    assert not Comparison(values=values, lines=line, rules=RULES).usable([[group]])
    assert Comparison(values=values, lines={1: frozenset({0})}, rules=RULES).usable([[group]])


def two_groups() -> tuple[Comparison, Groups]:
    """The manager 0 is of a large department, and their line is one of five, who are compared with all; so is somebody alone."""
    values = np.linspace(3, 4, 18)
    large, five, alone = np.arange(12), np.arange(12, 17), np.array([17])
    departments = [
        PeopleGroup(kind="department", name=name, people=people)
        for name, people in (("large", large), ("five", five), ("alone", alone))
    ]
    family = [PeopleGroup(kind="role_family", name="all", people=np.arange(18))]
    lines = {int(person): frozenset({0}) for person in five}
    return Comparison(values=values, lines=lines | {0: frozenset()}, rules=RULES), [departments, family]


def test_what_a_manager_has_of_two_groups_is_subtracted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    comparison, groups = two_groups()
    assert worked_out(comparison, comparison.usable(groups)) == 0
    monkeypatch.setattr(Comparison, "_managers_views", lambda _self, _of_person: iter(()))
    assert worked_out(comparison, comparison.usable(groups)) == 1, "or the manager's view is not needed"
