"""What lies on disk under ``home``: trained models that are as they were written, and the dates they have scored.

Nothing is remembered between requests, so what a nightly run replaces is seen by the next one. A name from outside
never becomes part of a path: it is looked for among the names that are there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from perfml.dated_files import dates_in, pick
from perfml.errors import ModelError, PerfmlError
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, current_version, pointed, verified_file
from perfml.project.voices import VoicesSpec
from perfml.scoring.run_record import voices_of
from perfml.service.problems import Unreadable, no_model, no_scores
from perfml.service.schemas import Figure, Gate, Horizon, Stage, Text, Verdict
from perfml.service.scores import ScoreFile, open_scores


class Population(BaseModel):
    """Who is scored, as SQL conditions."""

    eligible: str
    thin: str


class Words(BaseModel):
    """Something with words of its own in both languages."""

    zh: str
    en: str

    @property
    def text(self) -> Text:
        """As the service says it."""
        return Text(zh=self.zh, en=self.en)


class Said(Words):
    """What is read of the definition that a model was learnt from."""

    population: Population
    segments: dict[str, Text] = {}


class GateSaid(Words):
    """One gate, as ``perfml.learning.gates`` writes it."""

    name: str
    verdict: Verdict
    figure: str
    limit: str

    def answer(self) -> Gate:
        """As the service says it."""
        return Gate(**self.model_dump(exclude={"zh", "en"}), text=self.text)


class Backtest(Words):
    """One horizon's back-test, as ``perfml.learning.validation.backtest`` writes it."""

    horizon_days: int
    proven: bool
    rows: int
    positives: int
    baseline_columns: tuple[str, ...]
    model: dict[str, Figure]
    baseline: dict[str, Figure]
    difference: dict[str, Figure]
    calibration_error: float
    calibration_error_floor: float
    listed_ratio: tuple[float, ...]
    lists: tuple[dict[str, Any], ...] = ()


class About(BaseModel):
    """What is read of a model's description of itself."""

    until: dt.date
    spec: Said
    backtests: dict[int, Backtest]
    gates: dict[int, tuple[GateSaid, ...]]
    treatment: dict[int, dict[str, Any]] = {}
    left_out: tuple[str, ...] = ()

    @property
    def horizons(self) -> tuple[Horizon, ...]:
        """Each horizon's back-test and gates as the service says them, the shortest first."""
        return tuple(
            Horizon(
                **tested.model_dump(exclude={"zh", "en", "listed_ratio", "lists"}),
                verdict=tested.text,
                gates=tuple(gate.answer() for gate in self.gates[days]),
            )
            for days, tested in sorted(self.backtests.items())
        )


class _Described(BaseModel):
    about: About


class Store:
    """The models and scores under ``home``, read afresh at every call."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def models(self) -> list[str]:
        """The names of the trained models."""
        folder = self.home / "models"
        there = folder.iterdir() if folder.is_dir() else ()
        return sorted(p.name for p in there if not p.name.startswith(".") and (p / CANDIDATE).is_file())

    def version(self, model: str) -> str:
        """The version in use. Raises :class:`NotThere` where no such model has been trained."""
        return current_version(self.home, self._known(model))

    def stage(self, model: str, version: str) -> Stage:
        """Whether somebody promoted this version."""
        return "champion" if pointed(self.home, self._known(model), CHAMPION) == version else "candidate"

    def about(self, model: str, version: str) -> About:
        """What a version says of itself. Raises :class:`ModelError` where its files are missing or were altered."""
        try:
            return _Described.model_validate_json(
                verified_file(self.home, self._known(model), version, "model.json")
            ).about
        except ValidationError as error:
            raise ModelError(
                f"{error.error_count()} of its keys are missing or of another kind",
                where=f"models/{model}/{version}/model.json",
                remedy=f"it was written by another version of perfml: run `perfml train {model}` again",
            ) from error

    def card(self, model: str, version: str) -> str:
        """The model card of a version, in Markdown."""
        return verified_file(self.home, self._known(model), version, "card.md").decode("utf-8")

    def scored(self, model: str) -> list[dt.date]:
        """The as-of dates with scores, the newest first. What is still being written has another name."""
        return dates_in(self.home / "scores" / self._known(model))

    @contextmanager
    def scores(self, model: str, as_of: dt.date | None = None) -> Iterator[tuple[dt.date, ScoreFile]]:
        """The scores of one date, the newest by default. Raises :class:`NotThere` and :class:`Unreadable`."""
        available = self.scored(model)
        day = pick(available, as_of)
        if day is None:
            raise no_scores(model, as_of, available)
        with open_scores(self.home / "scores" / model / f"{day}.parquet") as file:
            yield day, file

    def voices(self, model: str, as_of: dt.date) -> VoicesSpec:
        """How reasons are told of the scores of ``as_of``. Raises :class:`Unreadable` where their record is damaged."""
        try:
            return voices_of(self.home, self._known(model), as_of)
        except PerfmlError as error:
            where = f"{model}/{as_of}.json"
            zh = f"评分记录 {where} 已损坏；请重新评分"
            raise Unreadable(error.problem, where=where, remedy=error.remedy, zh=zh) from error

    def _known(self, model: str) -> str:
        known = self.models()
        if model not in known:
            raise no_model(known)
        return model
