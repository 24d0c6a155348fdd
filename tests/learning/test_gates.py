"""Every gate stops what it is there to stop, and lets the rest pass."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perfml.evidence.sources import open_data
from perfml.learning import gates
from perfml.learning.estimators.blend import Hyperparameters, fit
from perfml.learning.fairness.audit import audit
from perfml.learning.validation.backtest import Predictions
from perfml.learning.validation.metrics import Estimate
from perfml.learning.validation.sample import TrainingSample
from perfml.learning.validation.stability import halves, stability
from perfml.messages import render
from perfml.project.model_spec import FairnessSpec, Label, LearnerSpec, ModelSpec
from perfml.workers.pool import ALONE
from tests.simulated import END, Simulated

SPEC = ModelSpec(zh="", en="", label=Label(kind="exit", horizons_days=(91,)))
SETTINGS = LearnerSpec(seeds=(1,))


@pytest.fixture(scope="module")
def sample(company_of_500: Simulated):
    project = company_of_500.open()
    data = project.open(company_of_500.data)
    yield TrainingSample.of(data, project.folder, "attrition", until=END)
    data.close()


def test_a_column_that_gives_the_outcome_away_is_found() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(500) < 0.2).astype(float)
    honest = np.column_stack([rng.normal(size=500), label + rng.normal(size=500)])
    assert gates.single_column_gate(honest, label, names=["a", "b"], spec=SPEC).verdict == "pass"
    leak = np.column_stack([honest, -label + rng.normal(size=500) * 0.1])
    gate = gates.single_column_gate(leak, label, names=["a", "b", "days_to_exit"], spec=SPEC)
    assert gate.verdict == "fail" and "days_to_exit" in render(gate.text, "en")


def test_column_auc_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    x, y = np.round(rng.normal(size=(300, 3)), 1), (rng.random(300) < 0.3).astype(float)
    np.testing.assert_allclose(gates.column_auc(x, y), [roc_auc_score(y, column) for column in x.T])


@pytest.mark.parametrize(
    ("auc", "se", "verdict"),
    [
        (0.53, 0.02, "pass"),
        (0.6, 0.02, "fail"),
        (0.6, 0.07, "insufficient"),
        (0.9, 0.07, "fail"),
        (0.5, np.nan, "insufficient"),
    ],
)
def test_permuted_labels_that_could_not_fail_are_no_proof(
    monkeypatch: pytest.MonkeyPatch, auc: float, se: float, verdict: str
) -> None:
    """With a standard error of .07 a leak that ranks at .7 would lie within three standard errors."""
    nothing = np.zeros(0)
    predictions = Predictions(
        row=nothing.astype(np.int64),
        when=nothing.astype("M8[D]"),
        person=nothing.astype(object),
        outcome=nothing,
        model=nothing,
        baseline=nothing,
    )
    monkeypatch.setattr(gates, "estimate", lambda *a, **k: {"auc": Estimate(auc, auc, auc, se)})
    gate = gates.permuted_gate(predictions)
    assert gate.verdict == verdict
    assert "nan" not in render(gate.figure, "en") + render(gate.text, "zh")


def test_permuted_outcomes_are_those_of_another_person(sample: TrainingSample) -> None:
    permuted = sample.permuted(5)
    assert (permuted.labelled != sample.labelled).mean() > 0.9
    assert set(permuted.table.frame["employee_id"]) == set(sample.table.frame["employee_id"])
    before, after = sample.label(91), permuted.label(91)
    assert not np.array_equal(before, after, equal_nan=True)


def test_a_person_under_two_ids_is_found(sample: TrainingSample) -> None:
    assert gates.duplicates_gate(sample.table, sample.spec).verdict == "pass"
    frame = sample.table.frame
    twin = frame[frame["employee_id"].isin(frame["employee_id"].unique()[:30])].copy()
    twin["employee_id"] = "copy_of_" + twin["employee_id"].astype(str)
    doubled = pd.concat([frame, twin], ignore_index=True)
    more = np.isin(frame["employee_id"], frame["employee_id"].unique()[:30])
    table = replace(
        sample.table,
        frame=doubled,
        eligible=np.concatenate([sample.table.eligible, sample.table.eligible[more]]),
        thin=np.concatenate([sample.table.thin, sample.table.thin[more]]),
    )
    gate = gates.duplicates_gate(table, sample.spec)
    assert gate.verdict == "fail" and "two ids" in render(gate.text, "en")


def test_the_canary_sings_when_evidence_knows_the_future(
    sample: TrainingSample, company_of_500: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = company_of_500.open().folder.definitions
    kinds = sample.table.kinds
    assert gates.canary_gate(sample.data, definitions, sample.table, kinds=kinds).verdict == "pass"
    peeked = sample.table.frame.assign(last_rating=sample.table.frame["last_rating"] + 1)
    gate = gates.canary_gate(sample.data, definitions, replace(sample.table, frame=peeked), kinds=kinds)
    assert gate.verdict == "fail" and "last_rating" in render(gate.text, "en")
    # The export as it stood then is really another one: what came later is gone from it.
    day = dt.date(2025, 6, 1)
    then = open_data(sample.data.source, definitions.tables, today=day - dt.timedelta(days=1), strict=False)
    assert then.last_usable_day() < day < sample.data.last_usable_day()
    then.close()


@pytest.mark.slow
def test_a_list_that_is_chance_is_not_stable_and_a_real_one_is() -> None:
    rng = np.random.default_rng(0)
    x, latest = rng.normal(size=(1500, 12)), rng.normal(size=(300, 12))
    person = np.array([f"e{i}" for i in range(1500)], object)
    reasons = [f"r{i}" for i in range(12)]

    def agreement(label: np.ndarray):
        def refit(rows: np.ndarray, seed: int):
            settings = SETTINGS.model_copy(update={"seeds": (seed,)})
            return fit(x[rows], label[rows], hyperparameters=Hyperparameters(rounds=40), settings=settings)

        whole = refit(np.arange(1500), 0)
        refitted = [
            ALONE.submit(refit, rows, number) for number, rows in enumerate(halves(person, latest=latest, refits=3))
        ]
        return stability(whole, refitted, latest=latest, reasons=reasons, leading=3)

    real = agreement((x[:, 0] + 0.3 * rng.normal(size=1500) > 1).astype(float))
    chance = agreement((rng.random(1500) < 0.2).astype(float))
    assert real.jaccard > 0.6 > 0.3 > chance.jaccard
    assert gates.stability_gates(real, SPEC)[0].verdict == "pass"
    assert gates.stability_gates(chance, SPEC)[0].verdict == "fail"
    assert real.selection_frequency["r0"] == 1.0


def test_too_few_people_are_no_verdict() -> None:
    x = np.zeros((40, 2))
    risk = fit(
        np.eye(2)[np.arange(40) % 2],
        np.arange(40) % 2 * 1.0,
        hyperparameters=Hyperparameters(rounds=5),
        settings=SETTINGS,
    )
    person = np.arange(40).astype(object)
    assert halves(person, latest=x, refits=2) == []
    measured = stability(risk, [], latest=x, reasons=["a", "b"], leading=3)
    judged = gates.stability_gates(measured, SPEC)
    assert [gate.verdict for gate in judged] == ["insufficient", "insufficient"]
    assert [render(gate.figure, "en") for gate in judged] == ["not estimated", "not estimated"]


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "fail"), (0.0, "pass")])
def test_fairness_follows_the_audit(share: float, verdict: str) -> None:
    rng = np.random.default_rng(0)
    gender = np.tile(np.array(["f", "m"], object), 1500)
    risk = np.clip(rng.beta(2, 8, 3000) + share * (gender == "f"), 0.01, 0.99)
    label = (rng.random(3000) < 0.25).astype(float)
    person = np.arange(3000).astype(object)
    report = audit(
        label=label, probability=risk, flagged=risk > np.quantile(risk, 0.8), person=person,
        groups={"gender": gender}, limits=FairnessSpec(), draws=100,
    )  # fmt: skip
    gate = gates.fairness_gate(report)
    assert gate.verdict == verdict
    assert all(render(message, "zh") for message in (gate.figure, gate.limit, gate.text))


def test_every_gate_was_asked_of_the_trained_model(company_of_500: Simulated) -> None:
    from perfml.learning.registry.model_store import load

    model = load(company_of_500.home, "attrition")
    names = [gate.name for gate in model.record.gates[182]]
    assert names == [
        "baseline", "permuted labels", "single column", "duplicate people", "future canary", "stable list",
        "stable reasons", "fairness",
    ]  # fmt: skip
    failed = [gate for gate in model.record.gates[182] if gate.verdict == "fail"]
    assert model.proven(182) == (not failed)
