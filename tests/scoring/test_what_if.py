"""What if: the model's own prediction for values that others have, from sealed rows, and no word of what may not be told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from perfml import Project
from perfml.errors import PerfmlError
from perfml.learning.registry.light_model import LightModel, load_light
from perfml.learning.registry.model_store import load
from perfml.messages import Message
from perfml.scoring.score_files import ExplainedScore, NoScore
from perfml.scoring.sealed_files import DamagedFile
from perfml.scoring.what_if.evidence import evidence_path, evidence_rows, read_evidence, write_evidence
from perfml.scoring.what_if.prediction import SAME, CannotChange, WhatIfPrediction, predict_what_if
from perfml.trust.holds.hold_log import HoldLog
from tests.simulated import END, Simulated

MODEL = "attrition"


@pytest.fixture(scope="module")
def home(company_of_500: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company_of_500.copy_home(tmp_path_factory.mktemp("what_if") / "home")


@pytest.fixture(scope="module")
def project(company_of_500: Simulated, home: Path) -> Project:
    return Project(company_of_500.project, home=home)


@pytest.fixture(scope="module")
def scored(company_of_500: Simulated) -> list[ExplainedScore]:
    return [cast(ExplainedScore, row) for row in company_of_500.rows[MODEL] if row["status"] == "scored"]


@pytest.fixture(scope="module")
def light(home: Path, scored: list[ExplainedScore]) -> LightModel:
    return load_light(home, MODEL, scored[0]["model_version"])


@pytest.fixture(scope="module")
def asked(home: Path, scored: list[ExplainedScore], light: LightModel) -> Callable[..., WhatIfPrediction]:
    def predict(row: ExplainedScore | None = None, *, least: int = 5, **changes: float) -> WhatIfPrediction:
        whose = scored[0] if row is None else row
        return predict_what_if(home, whose, changes, least_others=least, load=lambda: light)

    return predict


def own_row(home: Path, row: ExplainedScore, light: LightModel, *numbers: int):
    return read_evidence(home, row, columns=[column.name for column in light.columns], of_everyone=numbers)


@pytest.mark.slow
def test_without_lightgbm_the_model_gives_the_scores_of_everybody(
    home: Path, scored: list[ExplainedScore], light: LightModel
) -> None:
    rows = np.stack([own_row(home, row, light).own for row in scored[::25]])
    expected = [row["probability"] for row in scored[::25]]
    np.testing.assert_allclose(light.probabilities(rows, 182), expected, rtol=0, atol=1e-12)
    whole = load(home, MODEL, scored[0]["model_version"]).incidences(rows).incidence[:, 0, 0]
    np.testing.assert_allclose(light.probabilities(rows, 182), whole, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_a_change_is_what_the_whole_model_predicts_for_somebody_with_such_values(
    home: Path, scored: list[ExplainedScore], light: LightModel, asked: Callable[..., WhatIfPrediction]
) -> None:
    before = asked()
    assert before.before == before.after == pytest.approx(scored[0]["probability"], abs=SAME)
    assert before.possible and all(each.low <= each.high for each in before.possible)
    model, names = load(home, MODEL, scored[0]["model_version"]), [column.name for column in light.columns]
    moved = 0
    for each in before.possible:
        middle = (each.low + each.high) / 2
        answer = asked(**{each.evidence: middle})
        (taken,) = answer.changes
        group = [number for number, column in enumerate(light.columns) if column.reason == each.evidence]
        stored = own_row(home, scored[0], light, *group)
        lead = names.index(each.column.name)
        assert taken.value in stored.everyone[:, lead], "a value that somebody has"
        alike = stored.everyone[stored.everyone[:, lead] == taken.value][:, group]
        rows = np.repeat(stored.own[None], len(alike), axis=0)
        rows[:, group] = alike
        predicted = model.incidences(rows).incidence[:, 0, 0]
        assert np.abs(predicted - answer.after).min() < 1e-12, "whatever belongs to it is that person's, too"
        moved += answer.after != answer.before
    assert moved, "so that the test can fail"


@pytest.mark.slow
def test_what_cannot_change_and_what_is_unusual_is_refused(asked: Callable[..., WhatIfPrediction]) -> None:
    each = asked().possible[0]
    with pytest.raises(CannotChange, match="not usually") as refused:
        asked(**{each.evidence: each.high + 1})
    assert f"{each.high:g}" in refused.value.remedy
    with pytest.raises(CannotChange, match="not usually"):
        asked(**{each.evidence: float("nan")})
    with pytest.raises(CannotChange, match="cannot change"):
        asked(stars=1.0)
    with pytest.raises(CannotChange, match="too many"):
        asked(a=1.0, b=1.0, c=1.0, d=1.0)
    assert asked(least=10_000).possible == (), "too few others to say what is usual"


@pytest.mark.slow
def test_a_value_that_may_not_be_told_is_not(
    home: Path, tmp_path: Path, scored: list[ExplainedScore], light: LightModel, asked: Callable[..., WhatIfPrediction]
) -> None:
    each, names = asked().possible[0], [column.name for column in light.columns]
    everyone = own_row(home, scored[0], light, *range(len(names))).everyone
    people = sorted(row["employee_id"] for row in scored)
    shown = everyone.copy()
    shown[people.index(scored[0]["employee_id"]), names.index(each.column.name)] = np.nan
    assert not np.isnan(everyone[people.index(scored[0]["employee_id"]), names.index(each.column.name)])
    rows = evidence_rows(names, people, values=everyone, shown=shown)
    write_evidence(tmp_path, [rows], model=MODEL, version=scored[0]["model_version"], as_of=END, people=len(scored))
    answer = predict_what_if(tmp_path, scored[0], {}, least_others=5, load=lambda: light)
    assert each.evidence not in {other.evidence for other in answer.possible}
    assert answer.before == pytest.approx(scored[0]["probability"], abs=SAME), "the model keeps what it predicts from"


@pytest.mark.slow
def test_nothing_is_predicted_from_rows_at_odds(
    home: Path, tmp_path: Path, scored: list[ExplainedScore], light: LightModel
) -> None:
    path = evidence_path(tmp_path, MODEL, END)
    path.parent.mkdir(parents=True)

    def predict(row: ExplainedScore) -> None:
        predict_what_if(tmp_path, row, {}, least_others=5, load=lambda: light)

    with pytest.raises(NoScore, match="perfml score"):
        predict(scored[0])
    shutil.copy2(evidence_path(home, MODEL, END), path)
    predict(scored[0])
    for odd in (
        {"model_version": "0" * 12},
        {"employee_id": "nobody"},
        {"probability": scored[0]["probability"] + 1e-6},
    ):
        with pytest.raises(DamagedFile) as damaged:
            predict({**scored[0], **odd})
        assert f"perfml score {MODEL}" in damaged.value.remedy
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile):
        predict(scored[0])


@pytest.mark.slow
def test_the_verb_refuses_who_is_held_like_who_has_no_score(project: Project, scored: list[ExplainedScore]) -> None:
    person = scored[3]["employee_id"]
    answer = project.what_if(person, model=MODEL)
    assert answer.to_json()["note"] and (answer.employee_id, answer.horizon_days) == (person, 182)
    HoldLog(project.home).set(
        f"employee:{person}", cause="quarantine", message=Message.of("hold_stop", by="x", reason="y"), on=END
    )
    with pytest.raises(PerfmlError, match="no such score"):
        project.what_if(person, model=MODEL)
    with pytest.raises(PerfmlError, match="no such score"):
        project.what_if(scored[0]["employee_id"], model=MODEL, horizon_days=7)
