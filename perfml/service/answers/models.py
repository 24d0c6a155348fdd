"""Trained models: their definition, their back-tests and gates, and whether their files can be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from perfml._version import __version__
from perfml.errors import ModelError
from perfml.home_reads import note_until
from perfml.learning.in_people import lead_message
from perfml.learning.record import BacktestRecord, Figure, GateRecord, LeadRecord, Verdict
from perfml.learning.registry.artifacts import ModelStage
from perfml.messages import render
from perfml.scoring.sealed_files import DamagedFile
from perfml.service.answers.shared import Answer, TextAnswer
from perfml.service.problems import NotFound, Problem, problem_of
from perfml.service.store import Store


class GateAnswer(Answer):
    """One test that a model must not fail before it gives a list."""

    name: str
    verdict: Verdict
    """``insufficient``: too little data to judge, neither passed nor failed."""
    figure: str
    """What was measured."""
    limit: str
    text: TextAnswer
    """What it means."""


class HorizonAnswer(Answer):
    """What the back-test showed for one horizon, on people whose outcome the model had not seen."""

    horizon_days: int
    proven: bool
    """No gate failed; the first gate is being better than the baseline. Otherwise there is no list."""
    verdict: TextAnswer
    """How it compares with the baseline or, where a gate failed, the meaning of the first that did."""
    gates: tuple[GateAnswer, ...]
    rows: int
    """Rows in the back-test."""
    positives: int
    """Rows in the back-test with the outcome."""
    baseline_columns: tuple[str, ...]
    """The columns that the baseline uses."""
    model: dict[str, Figure]
    baseline: dict[str, Figure]
    difference: dict[str, Figure]
    """The model less the baseline, by metric."""
    calibration_error: float
    """Mean distance between the expected and the observed share, in ten groups of equal size."""
    calibration_error_floor: float
    """The calibration error that a perfect model of these rows would show, by sampling alone."""
    lead: tuple[LeadRecord, ...]
    """How early lists of each load named those whose outcome came, beside the baseline at the same load."""
    lead_text: TextAnswer | None
    """The same of a list of 5 % of the people; null where outcomes have no day of their own."""


class ModelAnswer(Answer):
    """A trained model, and the dates it has scored."""

    model: str
    title: TextAnswer
    version: str
    stage: ModelStage
    """``champion`` where somebody promoted this version, ``candidate`` where none has been promoted."""
    trained_until: dt.date
    """Only what was known, and labels that had matured, by this date were used."""
    horizons: tuple[HorizonAnswer, ...]
    segments: dict[str, TextAnswer]
    """People whose risk matters for a reason of its own, by the name that ``segment=`` takes."""
    left_out: tuple[str, ...]
    """Evidence and horizons that the data did not allow."""
    scored: tuple[dt.date, ...]
    """As-of dates with scores, the newest first."""
    card: str
    """The model card, in Markdown; empty where nobody wrote one."""


class CardAnswer(Answer):
    """What a model is for and what it is not, written by people."""

    model: str
    version: str
    card: str
    """Markdown; empty where nobody wrote one."""


class ModelsAnswer(Answer):
    """Every trained model, by name."""

    models: tuple[ModelAnswer, ...]
    refused: tuple[Problem, ...]
    """Models whose files are missing or were altered."""


class FreshnessAnswer(Answer):
    """Whether one model can be read, and how fresh its scores are."""

    model: str
    as_of: dt.date | None
    """The newest date with scores; null where there are none."""
    scored_at: dt.datetime | None
    age_hours: float | None
    """Hours since they were written."""
    problem: Problem | None
    """What is wrong with the model's files or its newest scores."""


class HealthAnswer(Answer):
    """``ok`` when at least one model is trained, and every one is sound and has scores."""

    status: Literal["ok", "degraded"]
    perfml: str
    models: tuple[FreshnessAnswer, ...]


def one_model(store: Store, model: str) -> ModelAnswer:
    """Describe the version in use.

    Raises :class:`NotFound` for a name without a model, and :class:`ModelError` where its files are missing or altered.
    """
    return one_version(store, model, store.version(model))


def one_version(store: Store, model: str, version: str) -> ModelAnswer:
    """Describe one version, see :func:`one_model`."""
    record = store.record(model, version)
    return ModelAnswer(
        model=model,
        title=TextAnswer(zh=record.spec.zh, en=record.spec.en),
        version=version,
        stage=store.stage(model, version),
        trained_until=record.until,
        horizons=tuple(_horizon(tested, record.gates[days]) for days, tested in sorted(record.backtests.items())),
        segments={name: TextAnswer(zh=part.zh, en=part.en) for name, part in record.spec.segments.items()},
        left_out=tuple(render(notice, "en") for notice in record.left_out),
        scored=tuple(store.scored(model)),
        card=store.card(model, version),
    )


def model_card(store: Store, model: str) -> CardAnswer:
    """Return the card of the version in use. Raises :class:`NotFound` and :class:`ModelError`."""
    version = store.version(model)
    return CardAnswer(model=model, version=version, card=store.card(model, version))


def all_models(store: Store) -> ModelsAnswer:
    """Describe every model that can be read, and what is wrong with the others."""
    models, refused = [], []
    for name in store.models():
        try:
            models.append(one_model(store, name))
        except ModelError as error:
            refused.append(problem_of(error))
    return ModelsAnswer(models=tuple(models), refused=tuple(refused))


def health(store: Store) -> HealthAnswer:
    """Check whether every model is sound and has scores. The answer holds nothing about any person."""
    models = tuple(_freshness(store, name) for name in store.models())
    sound = bool(models) and all(m.problem is None for m in models)
    return HealthAnswer(status="ok" if sound else "degraded", perfml=__version__, models=models)


def _horizon(tested: BacktestRecord, gates: Sequence[GateRecord]) -> HorizonAnswer:
    early = lead_message(tested)
    return HorizonAnswer(
        horizon_days=tested.horizon_days,
        proven=tested.proven,
        verdict=TextAnswer.of(tested.text),
        gates=tuple(
            GateAnswer(
                name=gate.name,
                verdict=gate.verdict,
                figure=render(gate.figure, "en"),
                limit=render(gate.limit, "en"),
                text=TextAnswer.of(gate.text),
            )
            for gate in gates
        ),
        rows=tested.rows,
        positives=tested.positives,
        baseline_columns=tested.baseline_columns,
        model=tested.model,
        baseline=tested.baseline,
        difference=tested.difference,
        calibration_error=tested.calibration_error,
        calibration_error_floor=tested.calibration_error_floor,
        lead=tested.lead,
        lead_text=None if early is None else TextAnswer.of(early),
    )


def _freshness(store: Store, model: str) -> FreshnessAnswer:
    as_of, written, age, problem = None, None, None, None
    try:
        store.record(model, store.version(model))
        as_of, file = store.scores(model)
        written = file.written
        age = round((dt.datetime.now(dt.UTC) - written).total_seconds() / 3600, 2)
        note_until(written.timestamp() + (age + 0.005) * 3600)
    except (ModelError, NotFound, DamagedFile) as error:
        problem = problem_of(error)
    return FreshnessAnswer(model=model, as_of=as_of, scored_at=written, age_hours=age, problem=problem)
