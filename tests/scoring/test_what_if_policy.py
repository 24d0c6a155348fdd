"""A policy for many: the sums are those of the scores, others lend their values, few people are withheld, and nothing unseen."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from perfml import Project
from perfml.errors import DefinitionError, PerfmlError
from perfml.learning.validation.reference import Bins
from perfml.project.goals.what_if_spec import EvidenceChange, WhatIfPolicySpec
from perfml.project.spec import parse
from perfml.scoring.score_files import NoScore
from perfml.scoring.what_if.evidence import FOLDER
from perfml.scoring.what_if.files import kept_policies
from perfml.scoring.what_if.support import complies, lent, share_in_training
from tests.simulated import END, Simulated

TEXTS = 'kind = "what_if"\nzh = "加班上限"\nen = "overtime limit"\n'


def policy(folder: Path, changes: str, *, name: str = "limit", more: str = "") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(f"{TEXTS}{more}\n[[changes]]\n{changes}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(company_of_500: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company_of_500.copy_home(tmp_path_factory.mktemp("policy") / "home")


@pytest.fixture(scope="module")
def project(company_of_500: Simulated, home: Path) -> Project:
    return Project(company_of_500.project, home=home)


@pytest.mark.slow
def test_expected_numbers_are_the_sums_of_the_scores(
    project: Project, company_of_500: Simulated, home: Path, tmp_path: Path
) -> None:
    record = project.what_if_policy(policy(tmp_path, 'column = "overtime_sum_28d"\nat_most = 3'))
    (horizon,) = record.horizons
    scored = [row["probability"] for row in company_of_500.rows["attrition"] if row["status"] == "scored"]
    assert horizon.whole.people == len(scored) and horizon.whole.before == pytest.approx(sum(scored))
    assert horizon.whole.concerned and horizon.whole.after and horizon.whole.after < sum(scored)
    (shift,) = record.shifts
    assert shift.taken is not None and 2 <= shift.taken <= 3
    shown = [each for each in horizon.departments if each.withheld is None]
    assert shown and sum(each.people for each in horizon.departments) == horizon.whole.people
    assert all(each.concerned and each.concerned > 5 for each in shown)
    assert all(each.before is None and each.after is None for each in horizon.departments if each.withheld)
    assert kept_policies(home, policy="limit") == [record] and kept_policies(home, policy="none") == []


@pytest.mark.slow
def test_whom_it_does_not_mean_it_does_not_count(project: Project, tmp_path: Path) -> None:
    only = 'column = "overtime_sum_28d"\nat_most = 3\n[whom]\ndepartments = ["sales"]'
    record = project.what_if_policy(policy(tmp_path, only, name="sales"))
    (department,) = record.horizons[0].departments
    assert department.department == "sales" and department.people == record.horizons[0].whole.people < 200


@pytest.mark.slow
def test_nothing_is_predicted_beyond_what_was_seen(project: Project, tmp_path: Path) -> None:
    for changes in ("at_most = -1", "at_least = 500"):
        record = project.what_if_policy(policy(tmp_path, f'column = "overtime_sum_28d"\n{changes}'))
        assert record.refused is not None and record.refused.code == "policy_beyond" and record.horizons == ()


@pytest.mark.slow
def test_few_people_are_withheld_altogether(project: Project, tmp_path: Path) -> None:
    record = project.what_if_policy(policy(tmp_path, 'column = "overtime_sum_28d"\nat_most = 25'))
    (horizon,) = record.horizons
    if horizon.whole.concerned == 0:
        assert horizon.whole.before == pytest.approx(horizon.whole.after)
    else:
        assert horizon.whole.withheld == "few people" and horizon.whole.after is None
        assert all(each.after is None for each in horizon.departments)


@pytest.mark.slow
def test_what_is_missing_or_broken_is_said(project: Project, home: Path, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="overtime_sum_28d"):
        project.what_if_policy(policy(tmp_path, 'column = "overtime_sum"\nat_most = 3'))
    with pytest.raises(DefinitionError, match="exactly one"):
        project.what_if_policy(policy(tmp_path, 'column = "overtime_sum_28d"'))
    with pytest.raises(DefinitionError, match="no name"):
        project.what_if_policy(policy(tmp_path, 'column = "overtime_sum_28d"\nat_most = 3', name=". ."))
    (tmp_path / "broken.toml").write_text("[[")
    with pytest.raises(DefinitionError, match="is not TOML"):
        project.what_if_policy(tmp_path / "broken.toml")
    with pytest.raises(DefinitionError, match="overtime_limit"):
        project.what_if_policy("none")
    shutil.copytree(home, tmp_path / "other", ignore=shutil.ignore_patterns("store.*", FOLDER))
    with pytest.raises(NoScore, match="not stored"):
        Project(project.folder.root, home=tmp_path / "other").what_if_policy("overtime_limit")
    with pytest.raises(PerfmlError, match="scored"):
        Project(project.folder.root, home=tmp_path / "empty").what_if_policy("overtime_limit", as_of=END)


def test_a_limit_is_kept_by_those_within_it() -> None:
    values = np.array([0.0, 5, 10, np.nan])
    assert complies(EvidenceChange(column="x", at_most=5), values).tolist() == [True, True, False, False]
    assert complies(EvidenceChange(column="x", at_least=5), values).tolist() == [False, True, True, False]
    assert complies(EvidenceChange(column="x", set_to=5), values).tolist() == [False, True, False, False]


def test_the_share_in_training_is_never_more_than_it_was() -> None:
    known = np.concatenate([np.arange(100.0), np.full(50, np.nan)])
    bins = Bins.of(known)
    for limit in (-5.0, 3, 9.9, 33, 77, 120):
        assert share_in_training(EvidenceChange(column="x", at_most=limit), bins) <= (known <= limit).sum() / 100 + 0.01
        assert (
            share_in_training(EvidenceChange(column="x", at_least=limit), bins) <= (known >= limit).sum() / 100 + 0.01
        )
    assert share_in_training(EvidenceChange(column="x", at_most=33), bins) >= 0.25


def test_values_are_lent_by_somebody_who_is_alike() -> None:
    values = np.array([[40.0, 100, 7], [19, 60, 1], [20, 90, 2], [2, 10, 3]])
    out = lent(
        values,
        number=0,
        columns=[0, 1],
        concerned=np.array([True, False, False, False]),
        lenders=np.array([False, True, True, True]),
        limit=20,
    )
    assert out[0].tolist() == [20, 90, 7] and (out[1:] == values[1:]).all()


def test_a_policy_says_something() -> None:
    with pytest.raises(DefinitionError, match="give changes"):
        parse(WhatIfPolicySpec, {"zh": "无", "en": "none"}, file="models/none.toml")
