"""A model explained on one page: sums that agree with the model, groups in which nobody can be told, both languages."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from perfml.learning.registry.model_store import Model, load
from perfml.report.dashboard.bars import chances, waterfall_rows
from perfml.report.dashboard.explained import FEWEST_PEOPLE, GROUPS, Explained, _groups
from perfml.report.dashboard.people import STEPS, RankedPerson, ranked_people
from perfml.scoring.batches.rows import SCHEMA
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


@pytest.fixture(scope="module")
def ranked(company_of_500: Simulated, model: Model) -> tuple[RankedPerson, ...]:
    scores = pa.Table.from_pylist(company_of_500.rows["attrition"], schema=SCHEMA)
    evidence = company_of_500.open().features(company_of_500.data, as_of=[END])
    features = evidence[[column.name for column in model.columns]].to_numpy(float)
    return ranked_people(model, scores, people=evidence["employee_id"].tolist(), features=features)[182]


def test_one_person_is_the_listed_one_and_adds_up(company_of_500: Simulated, ranked: tuple[RankedPerson, ...]) -> None:
    acting = [row for row in company_of_500.rows["attrition"] if row["band"] == "act"]
    assert [(person.rank, person.probability) for person in ranked] == [
        (row["rank"], row["probability"]) for row in sorted(acting, key=lambda row: row["rank"])
    ]
    for person in ranked:
        steps = waterfall_rows(person)
        assert steps[-1].probability == pytest.approx(person.probability, abs=1e-6)
        assert all(step.start >= 0 and step.start + step.width <= 100.5 for step in steps)


def test_a_what_if_is_the_models_own_prediction_within_what_others_have(
    model: Model, features: np.ndarray, ranked: tuple[RankedPerson, ...]
) -> None:
    """Every probability is that of a row which has the other person's values of one evidence and is otherwise unchanged."""
    assert sum(len(person.what_if) for person in ranked) > len(ranked)
    everyone = model.incidences(features).incidence[:, 0, 0]
    names = [column.name for column in model.columns]
    for person in ranked[:5]:
        mine = features[int(np.argmin(np.abs(everyone - person.probability)))]
        for other in person.what_if:
            number = names.index(other.column.name)
            assert other.own == pytest.approx(mine[number], nan_ok=True)
            values = [value for value, _ in other.predicted]
            low, high = np.nanquantile(features[:, number], [0.05, 0.95])
            assert 0 < len(values) <= STEPS and values == sorted(set(values)) and low <= values[0] <= values[-1] <= high
            group = [i for i, column in enumerate(model.columns) if column.reason == other.column.reason]
            for value, probability in other.predicted:
                rows = np.repeat(mine[None], len(features), axis=0)
                rows[:, group] = features[:, group]
                possible = model.incidences(rows[features[:, number] == value]).incidence[:, 0, 0]
                assert np.abs(possible - probability).min() < 1e-12
            bars = chances(person, other)
            assert sum(bar.own for bar in bars) == 1 and max(bar.height for bar in bars) <= 100


def test_nobody_stands_on_the_page_of_a_model_without_a_list(model: Model, features: np.ndarray) -> None:
    assert ranked_people(model, SCHEMA.empty_table(), people=[], features=features) == {182: ()}


def test_the_page_names_nobody_and_loads_nothing(company_of_500: Simulated, tmp_path) -> None:
    page = company_of_500.open().dashboard("attrition", tmp_path / "page.html", company_of_500.data, as_of=END)
    html = page.read_text(encoding="utf-8")
    people = [row["employee_id"] for row in company_of_500.rows["attrition"]]
    assert not [person for person in people if person in html]
    for text in (
        "Importance",
        "重要性",
        "Dependence",
        "依赖关系",
        "Calibration",
        "Gates",
        "风险最高的人（平均）",
        "What if",
        "假如",
    ):
        assert text in html
    assert html.count("<svg") >= 2 * (1 + 6 + 1 + 4) and "src=" not in html
    listed = sum(row["band"] == "act" for row in company_of_500.rows["attrition"])
    assert html.count('<details class="person"') == 2 * listed and len(html) < 1_000_000
