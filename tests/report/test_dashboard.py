"""A model explained on one page: sums that agree with the model, groups in which nobody can be told, both languages."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.learning.registry.model_store import Model, load
from perfml.report.dashboard.explained import FEWEST_PEOPLE, GROUPS, Explained, _groups
from tests.simulated import END, Simulated


@pytest.fixture(scope="module")
def model(company_of_500: Simulated) -> Model:
    return load(company_of_500.home, "attrition")


@pytest.fixture(scope="module")
def features(company_of_500: Simulated, model: Model) -> np.ndarray:
    evidence = company_of_500.open().features(company_of_500.data, as_of=[END])
    return evidence[[column.name for column in model.columns]].to_numpy(float)


def test_the_sums_are_those_of_the_model(model: Model, features: np.ndarray) -> None:
    explained = Explained.of(model, features, 182)
    assert explained is not None and explained.people == len(features)
    margin = np.sort(model.risks[182].margin(features))
    top = margin[::-1][: explained.listed].mean()
    assert explained.base == pytest.approx(margin.mean())
    assert explained.base + sum(more for _, more in explained.steps) == pytest.approx(top)
    sizes = [size for _, size in explained.importance]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] > 0


def test_nobody_stands_alone_in_a_group(model: Model, features: np.ndarray) -> None:
    explained = Explained.of(model, features, 182)
    assert explained is not None and explained.dependence
    for _, groups in explained.dependence:
        assert 1 < len(groups) <= GROUPS and min(group.people for group in groups) >= FEWEST_PEOPLE
    assert Explained.of(model, features[: FEWEST_PEOPLE - 1], 182) is None


def test_equal_values_stay_together_and_unknown_ones_are_in_no_group() -> None:
    values = np.r_[np.zeros(60), np.arange(1.0, 25.0), np.nan]
    groups = _groups(values, values)
    assert [group.people for group in groups] == [60, 11, 13]
    assert [group.value for group in groups] == [0, 6, 18]
    assert _groups(values[-5:], values[-5:]) == ()


def test_the_page_names_nobody_and_loads_nothing(company_of_500: Simulated, tmp_path) -> None:
    page = company_of_500.open().dashboard("attrition", tmp_path / "page.html", company_of_500.data, as_of=END)
    html = page.read_text(encoding="utf-8")
    people = [row["employee_id"] for row in company_of_500.rows["attrition"]]
    assert not [person for person in people if person in html]
    for text in ("Importance", "重要性", "Dependence", "依赖关系", "Calibration", "Gates", "风险最高的人（平均）"):
        assert text in html
    assert html.count("<svg") >= 2 * (1 + 6 + 1 + 4) and "src=" not in html
