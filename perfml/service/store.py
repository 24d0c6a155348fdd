"""Files under ``home``: trained models, compared with their manifests, and scores by date.

What is kept between requests is compared with the files first (:mod:`perfml.home_reads`), so the next request sees what a
nightly run has replaced; every file is verified before it is read. A name from a request never becomes part of a path: it is
compared with the names on disk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from perfml.dated_files import dates_in, pick
from perfml.evidence.columns import Column
from perfml.home_reads import Memo, note_file
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.artifacts import (
    CANDIDATE,
    CHAMPION,
    ModelStage,
    cautions,
    current_version,
    pointed,
    read_card,
    read_columns,
    read_record,
)
from perfml.learning.registry.light_model import LightModel, load_light
from perfml.messages import Message
from perfml.project.folder import ProjectFolder
from perfml.project.spec import DisclosureRules, DisputeRules
from perfml.project.starter import STARTER
from perfml.project.table_spec import TableSpec
from perfml.reasons.voices import Voices
from perfml.scoring.people.files import PersonFacts, people_facts
from perfml.scoring.run_record import voices_of
from perfml.service.problems import no_model, no_scores
from perfml.service.scores import ScoreFile, open_scores

MOST_RECORDS = 20
"""Versions of models whose records, and whose columns, a process keeps."""
MOST_MODELS = 4
"""Versions of models that a process keeps whole, for predictions."""


class Store:
    """Models and scores under ``home``, read again whenever their files change."""

    def __init__(self, home: Path, folder: ProjectFolder | None = None) -> None:
        self.home, self.folder = home, folder or ProjectFolder(STARTER)
        self._records: Memo[TrainingRecord] = Memo(MOST_RECORDS)
        self._columns: Memo[Mapping[str, Column]] = Memo(MOST_RECORDS)
        self._cautions: Memo[Sequence[Message]] = Memo(MOST_RECORDS)
        self._models: Memo[LightModel] = Memo(MOST_MODELS)
        self._names: Memo[list[str]] = Memo(1)
        self._dates: Memo[list[dt.date]] = Memo(MOST_RECORDS)

    @property
    def tables(self) -> Mapping[str, TableSpec]:
        """The input contract of the project."""
        return self.folder.definitions.tables

    @property
    def dispute_rules(self) -> DisputeRules:
        """How the project decides disputes."""
        return self.folder.spec.disputes

    @property
    def disclosure(self) -> DisclosureRules:
        """Which figures of groups may be shown, and how often."""
        return self.folder.spec.disclosure

    def models(self) -> list[str]:
        """Return the names of the trained models."""
        return self._names.of("models", lambda: _trained(self.home / "models"))

    def version(self, model: str) -> str:
        """Return the version in use. Raises :class:`NotFound` where no such model has been trained."""
        return current_version(self.home, self._trained(model))

    def stage(self, model: str, version: str) -> ModelStage:
        """Return whether this version is the champion or a candidate."""
        return "champion" if pointed(self.home, self._trained(model), CHAMPION) == version else "candidate"

    def record(self, model: str, version: str) -> TrainingRecord:
        """Read the record of a version. Raises :class:`ModelError` where its files are missing or were altered."""
        name = self._trained(model)
        return self._records.of((name, version), lambda: read_record(self.home, name, version))

    def cautions(self, model: str, version: str, horizon_days: int) -> Sequence[Message]:
        """What to know of the lists of a version that nobody has promoted."""
        record = self.record(model, version)
        key = (model, version, horizon_days)
        return self._cautions.of(key, lambda: cautions(self.home, model, version, record, horizon_days=horizon_days))

    def columns(self, model: str, version: str) -> Mapping[str, Column]:
        """Read the columns of a version by name. Raises :class:`ModelError` where its files are missing or were altered."""
        name = self._trained(model)
        return self._columns.of((name, version), lambda: read_columns(self.home, name, version))

    def light_model(self, model: str, version: str) -> LightModel:
        """Load a version for predictions. Raises :class:`ModelError` where its files are missing or were altered."""
        name = self._trained(model)
        return self._models.of((name, version), lambda: load_light(self.home, name, version))

    def card(self, model: str, version: str) -> str:
        """Read the model card of a version, in Markdown, see :func:`~perfml.learning.registry.artifacts.read_card`."""
        return read_card(self.home, self._trained(model), version)

    def scored(self, model: str) -> list[dt.date]:
        """Return the as-of dates with scores, the newest first. A file still being written has another name."""
        name = self._trained(model)
        return self._dates.of(name, lambda: dates_in(self.home / "scores" / name))

    def scores(self, model: str, as_of: dt.date | None = None) -> tuple[dt.date, ScoreFile]:
        """Return the scores of one date, the newest by default. Raises :class:`NotFound` and :class:`DamagedFile`."""
        available = self.scored(model)
        day = pick(available, as_of)
        if day is None:
            raise no_scores(model, as_of, available)
        return day, open_scores(self.home / "scores" / model / f"{day}.parquet")

    def people(self, as_of: dt.date, employee_ids: Collection[str] | None = None) -> Mapping[str, PersonFacts]:
        """Read who is who at a date, of ``employee_ids`` (default: everyone). Raises :class:`DamagedFile`."""
        return people_facts(self.home, as_of, employee_ids)

    def voices(self, model: str, version: str, as_of: dt.date) -> Voices:
        """Read the wording of the reasons that ``version`` gave at ``as_of``. Raises :class:`DamagedFile`."""
        spec = voices_of(self.home, self._trained(model), as_of)
        return Voices(spec, self.columns(model, version))

    def _trained(self, model: str) -> str:
        trained = self.models()
        if model not in trained:
            raise no_model(trained)
        return model


def _trained(folder: Path) -> list[str]:
    note_file(folder)
    folders = folder.iterdir() if folder.is_dir() else ()
    named = sorted(path for path in folders if not path.name.startswith("."))
    for path in named:
        note_file(path / CANDIDATE)
    return [path.name for path in named if (path / CANDIDATE).is_file()]
