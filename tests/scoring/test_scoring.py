"""Predictions of several horizons and causes are coherent, and the reasons still add up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfml import ModelError
from perfml.learning.estimators.calibration import Affine
from perfml.learning.registry.model_store import load
from perfml.messages import render
from perfml.scoring.scoring import score
from tests.records import backtest_record
from tests.simulated import END, Simulated


@pytest.fixture(scope="module")
def rows(company_of_500: Simulated):
    """Two horizons, made to contradict each other for about half of the people."""
    model = load(company_of_500.home, "attrition")
    risk = model.risks[182]
    bent = replace(risk, calibration=Affine(risk.calibration.slope * -1.0, risk.calibration.intercept - 4.0))
    other = {cause: {91: risks[182], 182: risks[182]} for cause, risks in model.learnt.competing.items()}
    record = model.record.model_copy(update={"backtests": {days: backtest_record(days) for days in (91, 182)}})
    two = replace(model, learnt=replace(model.learnt, risks={91: risk, 182: bent}, competing=other), record=record)
    project = company_of_500.open()
    data = project.open(company_of_500.data)
    rows = score(data, project.folder, two, as_of=[END]).to_pylist()
    data.close()
    return [row for row in rows if row["status"] == "scored"]


def test_probabilities_never_fall_with_the_horizon(rows) -> None:
    by_person: dict[str, dict[int, float]] = {}
    for row in rows:
        by_person.setdefault(row["employee_id"], {})[row["horizon_days"]] = row["probability"]
    pooled = sum(np.isclose(by_days[91], by_days[182]) for by_days in by_person.values())
    assert all(by_days[91] <= by_days[182] + 1e-12 for by_days in by_person.values())
    assert 20 < pooled < len(by_person)


def test_causes_and_staying_are_certain_together(rows) -> None:
    for row in rows:
        assert [share["cause"] for share in row["incidence"]] == ["voluntary", "involuntary", "other", "staying"]
        assert sum(share["probability"] for share in row["incidence"]) == pytest.approx(1, abs=1e-9)
        assert row["incidence"][0]["probability"] == pytest.approx(row["probability"], abs=1e-12)


def test_reasons_of_pooled_margins_add_up(rows) -> None:
    for row in rows:
        total = row["base_value"] + sum(reason["contribution"] for reason in row["reasons"])
        assert total == pytest.approx(row["margin"], abs=1e-6)


def test_segments_are_those_of_the_spec(rows) -> None:
    assert {name for row in rows for name in row["segments"]} == {"regrettable", "stalled"}
    assert all("regrettable" in row["segments"] for row in rows if "stalled" in row["segments"])


def test_curves_of_all_causes_end_in_certainty(company_of_500: Simulated, tmp_path: Path) -> None:
    project = company_of_500.open()
    frame = project.curves("attrition", company_of_500.data, as_of=END).to_pandas()
    np.testing.assert_allclose(frame.groupby(["employee_id", "day"])["incidence"].sum(), 1, atol=1e-9)
    left = frame[frame["cause"] == "voluntary"].sort_values("day").groupby("employee_id")["incidence"]
    assert (left.diff().dropna() >= -1e-12).all()
    assert ((frame["expected_days"] > 0) & (frame["expected_days"] <= frame["day"])).all()
    with pytest.raises(ModelError, match="has no curves"):
        project.curves("low_performance", company_of_500.data, as_of=END)


def test_drift_is_reported_with_the_outcomes_that_have_matured(company_of_500: Simulated) -> None:
    (horizon,) = company_of_500.open().drift("attrition", company_of_500.data, as_of=END)
    assert horizon.outcomes_of is None  # trained up to the end: none of its predictions has matured
    assert horizon.report.verdict in ("no action", "watch")
    assert "not known" in render(horizon.report.text, "en")
