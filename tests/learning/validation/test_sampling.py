"""What ``[sample]`` says is done: learnt from drawn rows, judged on all, written down; and without it nothing changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfml import Project
from perfml.demo.company import simulate
from perfml.errors import DefinitionError
from perfml.evidence.sources import Data
from perfml.learning import gates
from perfml.learning.estimators.blend import probability
from perfml.learning.registry.artifacts import read_card
from perfml.learning.validation import backtest
from perfml.learning.validation.backtest import backtest_horizon
from perfml.learning.validation.sample import TrainingSample
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.project.model_spec import ModelSpec, SampleSpec
from tests.simulated import END, FEW_ROUNDS, QUARTERLY

DAYS = 182
pytestmark = pytest.mark.slow


def of(sample: TrainingSample, **given: object) -> TrainingSample:
    spec: ModelSpec = sample.spec.model_copy(update={"sample": SampleSpec(**given)})
    return sample.with_spec(spec)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three years of 400 people, the folder ``data``, and a project that looks at each quarter."""
    folder = tmp_path_factory.mktemp("company")
    simulate(folder / "data", employees=400, start=dt.date(2023, 10, 1), end=END, seed=7)
    return project(folder, QUARTERLY)


def project(folder: Path, model: str) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "perfml.toml").write_text('name = "sampled"\n', encoding="utf-8")
    (folder / "models" / "attrition.toml").write_text(model, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def data(company: Path) -> Iterator[Data]:
    with Project(company).open(company / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def sample(company: Path, data: Data) -> TrainingSample:
    return TrainingSample.of(data, ProjectFolder(company), "attrition", until=END)


def test_all_rows_are_judged_on_and_drawn_ones_learnt_from(sample: TrainingSample) -> None:
    whole, part = backtest_horizon(sample, DAYS), backtest_horizon(of(sample, rows_a_date=60), DAYS)
    assert (part.rows, part.positives) == (whole.rows, whole.positives)
    assert part.baseline == whole.baseline and part.folds == whole.folds
    assert part.predictions.row.tolist() == whole.predictions.row.tolist()
    assert np.abs(part.predictions.model - whole.predictions.model).max() > 0
    low, value = whole.model["expected_over_observed"].low, part.model["expected_over_observed"].value
    assert low - 0.1 < value < whole.model["expected_over_observed"].high + 0.1


def test_a_draw_that_takes_all_changes_no_digit(sample: TrainingSample) -> None:
    whole, same = backtest_horizon(sample, DAYS), backtest_horizon(of(sample, rows_a_date=10_000), DAYS)
    assert same.record() == whole.record()
    assert same.predictions.model.tolist() == whole.predictions.model.tolist()


def test_the_level_is_that_of_all_rows(sample: TrainingSample) -> None:
    label = sample.label(DAYS)
    known = ~np.isnan(label)
    part = of(sample, rows_a_date=60)
    drawn = part.drawn(label)
    assert len(drawn.rows) < known.sum() / 3 and drawn.stands_for is not None
    risk = part.learn(label, DAYS, seeds=(11,)).result()
    assert probability(risk.margin(sample.features[known])).mean() == pytest.approx(label[known].mean(), rel=1e-6)
    base = risk.contributions(sample.features[:1])[0, -1]
    whole = sample.learn(label, DAYS, seeds=(11,)).result().contributions(sample.features[:1])[0, -1]
    careless = replace(part, features=sample.features)
    enriched = careless.learn(
        np.where(np.isin(np.arange(len(label)), drawn.rows), label, np.nan), DAYS, seeds=(11,)
    ).result()
    assert abs(base - whole) < 0.3 < abs(enriched.contributions(sample.features[:1])[0, -1] - whole)


def test_what_comes_after_an_origin_draws_nothing_before_it(sample: TrainingSample, data: Data) -> None:
    """Outcomes after the origin are turned round; what a fold learns from stays what it was."""
    part = of(sample, rows_a_date=60)
    fold, label, _ = backtest.testable_folds(part, DAYS, known=part.label(DAYS))[0]
    before = part.drawn(label)
    assert before.stands_for is not None
    with data.connection.cursor() as other:  # of the same database: the exits are put back
        other.execute("create table exits_as_they_were as select * from exits")
        try:
            other.execute(f"delete from exits where usable_day >= date '{fold.origin}'")
            train = np.isin(part.when, np.array(fold.train, "M8[D]"))
            after = part.drawn(part.label(DAYS, until=fold.origin, among=train))
        finally:
            other.execute("drop table exits; alter table exits_as_they_were rename to exits")
    assert after.rows.tolist() == before.rows.tolist()
    assert after.stands_for is not None and after.stands_for.tolist() == before.stands_for.tolist()


def test_people_are_drawn_whole_and_compared_with_everyone(tmp_path: Path, data: Data, sample: TrainingSample) -> None:
    folder = ProjectFolder(project(tmp_path, f"{QUARTERLY}[sample]\npeople_share = 0.3\n"))
    few = TrainingSample.of(data, folder, "attrition", until=END)
    people = set(few.person)
    assert 0.2 < len(people) / len(set(sample.person)) < 0.4
    inside = np.isin(sample.person, np.array(sorted(people), dtype=object))
    assert few.person.tolist() == sample.person[inside].tolist() and few.when.tolist() == sample.when[inside].tolist()
    np.testing.assert_array_equal(few.features, sample.features[inside])
    np.testing.assert_array_equal(few.label(DAYS), sample.label(DAYS)[inside])
    gate = gates.canary_gate(
        data, folder.definitions, few.table, kinds=few.table.kinds, sample=SampleSpec(people_share=0.3)
    )
    assert gate.verdict == "pass"


def test_it_is_written_down(company: Path, tmp_path: Path) -> None:
    text = f"{FEW_ROUNDS}\n[sample]\npeople_share = 0.9\nrows_a_date = 60\n"
    sampled = Project(project(tmp_path, text), home=tmp_path / "home")
    model = sampled.train("attrition", company / "data", until=END)
    counts = model.record.training[DAYS]
    assert counts.drawn_rows is not None and counts.drawn_rows < counts.rows
    assert counts.drawn_positives is not None and counts.drawn_positives <= counts.positives
    assert "those of 90% of the people, drawn by chance, and learnt from" in render(counts.text, "en")
    assert model.record.spec.sample == SampleSpec(people_share=0.9, rows_a_date=60)
    written, shown = sampled.folder.card("attrition"), read_card(tmp_path / "home", "attrition", model.version)
    en, zh = shown.removeprefix(written).strip().split("\n\n")
    assert en.startswith("**Learnt from drawn rows.** Within 182 days: ") and zh.startswith(
        "**从抽取的记录学习。** 182 天内："
    )
    for line in (en, zh):
        assert all(
            f"{n:,}" in line for n in (counts.rows, counts.positives, counts.drawn_rows, counts.drawn_positives, 60)
        )


def test_a_list_of_a_fixed_length_is_refused_with_a_share_of_the_people(tmp_path: Path) -> None:
    text = "[sample]\npeople_share = 0.5\n[list]\ncapacity_people = 10\n"
    with pytest.raises(DefinitionError, match="capacity_share"):
        ProjectFolder(project(tmp_path, text)).model("attrition")
