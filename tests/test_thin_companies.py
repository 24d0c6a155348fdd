"""Training over thin and lopsided companies ends in a model or in one clear refusal, never in another exception."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from perfml import DataError, ModelError, Project
from perfml.learning.record import GateRecord
from perfml.messages import render
from perfml.messages.message import Language
from tests.thin import Thin

QUICK = """
[population]
every = "quarter"
[learner]
seeds = [11]
max_rounds = 8
early_stopping_rounds = 5
[backtest]
folds = 2
min_positives = 8
[gates]
refits = 2
"""
HORIZON = {"attrition": "[label]\nhorizons_days = [91]\n", "low_performance": ""}
COMPANIES = {
    "plain": Thin(),
    "no events": Thin(events=0),
    "no reviews": Thin(reviews="none"),
    "employees and reviews": Thin(events=0, departments=0, exits=False, protected=False),
    "employees and yearly reviews": Thin(events=0, departments=0, exits=False, protected=False, reviews="yearly"),
    "employees and one review": Thin(events=0, departments=0, exits=False, protected=False, reviews="once"),
    "one review": Thin(reviews="once"),
    "no positions": Thin(departments=0),
    "one department": Thin(departments=1),
    "one date of events": Thin(event_days=1),
    "one date and nothing else": Thin(event_days=1, reviews="none"),
    "one event a person": Thin(events=1, reviews="none"),
    "no counterparts": Thin(counterparts=False),
    "five cases": Thin(leavers=5, ratings=(2, 3, 4, 5, 5, 5, 5, 5, 5, 5)),
    "no case": Thin(leavers=0, ratings=(4, 5)),
    "cases in the last year": Thin(leave_days=(900, 1250), leavers=60),
    "cases in the first year": Thin(leave_days=(100, 400), leavers=60),
    "cases in one month": Thin(leave_days=(700, 730), leavers=60),
    "30 people": Thin(people=30, leavers=14),
    "30 people, most leave": Thin(people=30, leavers=28, leave_days=(400, 1250)),
    "everybody leaves": Thin(leavers=120),
    "one person": Thin(people=1, leavers=0),
    "everybody rated low": Thin(ratings=(1, 2)),
    "one rating": Thin(ratings=(3,)),
    "no exits": Thin(exits=False),
    "nobody's gender is known": Thin(protected=False),
    "hired during the record": Thin(hired=(0, 1200)),
    "a year": Thin(days=400, leave_days=(100, 390)),
    "four months": Thin(days=120, leave_days=(50, 110)),
}


def verdict(company: Thin, model: str, folder: Path) -> str:
    """Train; return the verdicts of the gates, or the refusal. Any other exception passes through.

    The check must have said before within which horizons the model can be trained.
    """
    (folder / "project" / "models").mkdir(parents=True)
    (folder / "project" / "perfml.toml").write_text('name = "thin"')
    for name, horizon in HORIZON.items():  # both, since the check looks at every model of the project
        (folder / "project" / "models" / f"{name}.toml").write_text(QUICK + horizon)
    project = Project(folder / "project", home=folder / "home")
    data = company.write(folder / "data")
    can = [task.values for task in project.check(data).can if task.code == "can_model_within"]
    announced = {task["days"] for task in can if task["model"] == model}
    try:
        trained = project.train(model, data)
    except (DataError, ModelError) as refusal:
        assert refusal.problem and refusal.where and refusal.remedy, refusal
        assert not announced, refusal
        return str(refusal)
    assert announced == set(trained.risks)
    gates = [gate for days in trained.risks for gate in trained.record.gates[days]]
    assert len(gates) == 8 * len(trained.risks)
    unclear = [gate.name for gate in gates if not all(_clear(gate, language) for language in ("en", "zh"))]
    assert not unclear, "figures and reasons are texts"
    return ", ".join(f"{gate.name}: {gate.verdict}" for gate in gates)


def _clear(gate: GateRecord, language: Language) -> bool:
    texts = [render(message, language) for message in (gate.figure, gate.text)]
    return all(texts) and not any("nan" in text for text in texts)


TURNS = zip(COMPANIES, cycle(HORIZON), strict=False)
"""Each shape with one model, in turns."""
BOTH = ("plain", "no events", "no reviews", "employees and reviews", "no case", "one rating", "30 people", "no exits")
"""Shapes that the models read differently."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model"), sorted({*TURNS, *((name, model) for name in BOTH for model in HORIZON)}))
def test_a_model_or_a_clear_refusal(name: str, model: str, tmp_path: Path) -> None:
    assert verdict(COMPANIES[name], model, tmp_path)


@pytest.mark.slow
def test_reviews_alone_are_learnt_from(tmp_path: Path) -> None:
    """What the README promises; the canary compares evidence without a log too."""
    assert "future canary: pass" in verdict(COMPANIES["employees and reviews"], "low_performance", tmp_path)


SHAPES = st.builds(
    Thin,
    people=st.sampled_from([2, 25, 60]),
    days=st.sampled_from([200, 700, 1300]),
    events=st.sampled_from([0, 1, 20]),
    event_days=st.sampled_from([None, 1, 3]),
    reviews=st.sampled_from(["none", "once", "yearly", "half-yearly"]),
    ratings=st.sampled_from([(1, 2, 3, 4, 5), (2,), (2, 3)]),
    departments=st.integers(0, 2),
    leavers=st.sampled_from([0, 5, 25, 60]),
    leave_days=st.sampled_from([(0, 1300), (100, 300), (600, 650)]),
    exits=st.booleans(),
    protected=st.booleans(),
    hired=st.sampled_from([(-900, -1), (0, 100), (0, 1300)]),
)


@pytest.mark.slow
@settings(max_examples=12, phases=[Phase.generate], suppress_health_check=[*HealthCheck])
@given(company=SHAPES, model=st.sampled_from(sorted(HORIZON)))
def test_any_mixture(company: Thin, model: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert verdict(company, model, tmp_path_factory.mktemp("thin"))
