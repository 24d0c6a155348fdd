"""The newest drift check that somebody ran: whether a model still fits the people it is used on."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from perfml.messages import Message
from perfml.scoring.drift.files import KeptShift, kept_drift
from perfml.service.answers.shared import Answer, TextAnswer
from perfml.service.problems import NotFound
from perfml.service.store import Store


class HorizonDriftAnswer(Answer):
    """The verdict on one horizon."""

    horizon_days: int
    outcomes_of: dt.date | None
    """The date whose outcomes were compared; null where none has matured."""
    verdict: Literal["no action", "watch", "retrain", "cannot tell"]
    text: TextAnswer
    people: int
    score: KeptShift | None
    columns: tuple[KeptShift, ...]
    """Those that moved, the furthest first."""


class DriftAnswer(Answer):
    """The newest check of a model."""

    model: str
    version: str
    """The version that was checked."""
    as_of: dt.date
    in_use: bool
    """Whether that version is the one in use."""
    horizons: tuple[HorizonDriftAnswer, ...]


def model_drift(store: Store, model: str) -> DriftAnswer:
    """Return the newest check. Raises :class:`NotFound` for an unknown model and for one that nobody checked."""
    version, newest = store.version(model), kept_drift(store.home, model)
    if newest is None:
        raise NotFound(
            Message.of("service_no_drift"), where="model", remedy=Message.of("service_check_drift", model=model)
        )
    return DriftAnswer(
        model=model,
        version=newest.version,
        as_of=newest.as_of,
        in_use=newest.version == version,
        horizons=tuple(
            HorizonDriftAnswer(
                horizon_days=each.horizon_days,
                outcomes_of=each.outcomes_of,
                verdict=each.verdict,
                text=TextAnswer(zh=each.zh, en=each.en),
                people=each.people,
                score=each.score,
                columns=tuple(column for column in each.columns if column.moved),
            )
            for each in newest.horizons
        ),
    )
