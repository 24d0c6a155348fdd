"""Runs of training that are kept, version by version: what each was trained on, what its back-test showed, which is in force."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from perfml.errors import ModelError
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, pointed, versions
from perfml.messages import Message
from perfml.service.answers.shared import TextAnswer
from perfml.service.problems import NotFound, Problem, problem_of
from perfml.service.store import Store

RunState = Literal["in force", "in use", "candidate", "earlier"]
"""``in use``: the newest version, as long as nobody has put one in force."""


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One version of a model."""

    model: str
    version: str
    state: RunState
    kept_at: dt.datetime
    """When its files were written, UTC without a zone."""
    record: TrainingRecord | None
    problem: Problem | None = None
    """Why its files cannot be read."""

    @property
    def title(self) -> TextAnswer:
        """What the model predicts."""
        spec = None if self.record is None else self.record.spec
        return TextAnswer(zh=self.model, en=self.model) if spec is None else TextAnswer(zh=spec.zh, en=spec.en)


def runs_of(store: Store, model: str) -> list[TrainingRun]:
    """The runs of a model, the newest first. Raises :class:`NotFound` for an unknown model."""
    store.version(model)
    return [_run(store, model, version) for version in versions(store.home, model)[::-1]]


def one_run(store: Store, model: str, version: str) -> TrainingRun:
    """One run. Raises :class:`NotFound` for a version that is not kept, and :class:`ModelError` where it cannot be read."""
    require_run(store, model, version)
    store.record(model, version)
    return _run(store, model, version)


def require_run(store: Store, model: str, version: str) -> None:
    """Raise :class:`NotFound` for an unknown model, and for a version of it that is not kept."""
    store.version(model)
    if version not in versions(store.home, model):
        raise NotFound(Message.of("service_unknown_run"), where=f"model {model}", remedy=Message.of("service_see_runs"))


def _run(store: Store, model: str, version: str) -> TrainingRun:
    record, problem = None, None
    try:
        record = store.record(model, version)
    except ModelError as error:
        problem = problem_of(error)
    written = (store.home / "models" / model / version).stat().st_mtime
    return TrainingRun(
        model=model,
        version=version,
        state=_state(store, model, version),
        kept_at=dt.datetime.fromtimestamp(written, dt.UTC).replace(tzinfo=None),
        record=record,
        problem=problem,
    )


def _state(store: Store, model: str, version: str) -> RunState:
    champion, newest = pointed(store.home, model, CHAMPION), pointed(store.home, model, CANDIDATE)
    if version == champion:
        return "in force"
    if version == newest:
        return "in use" if champion is None else "candidate"
    return "earlier"
