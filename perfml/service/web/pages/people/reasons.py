"""The reasons of every model at one date in the voice of a manager or an employee: what is on record, who can act, what helps.

Reasons of several models stand side by side without the name of a model: what is to be talked about is the fact, and neither a
figure nor a kind of risk is shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from perfml.evidence.columns import Column
from perfml.messages import Bilingual
from perfml.project.model_spec import Population
from perfml.project.spec import Owner
from perfml.project.voices import Reader
from perfml.reasons.leading import raising
from perfml.reasons.record import Reason
from perfml.reasons.voices import Voices
from perfml.service.answers.of_person.not_scored import why_not_in_words
from perfml.service.answers.shared import TextAnswer
from perfml.service.problems import NotFound
from perfml.service.scores import ScoreFile, StoredRow
from perfml.service.store import Store

COLUMNS = ("employee_id", "horizon_days", "status", "why_not", "reasons")


@dataclass(frozen=True, kw_only=True)
class ReasonToTalk:
    """A reason: the fact, who can act, what helps, and whether it is new since last time."""

    evidence: str
    owner: Owner
    fact: Bilingual
    action: Bilingual | None
    new: bool = False


@dataclass(frozen=True, kw_only=True)
class ScoreStanding:
    """Whether something is computed about a person, and why not."""

    as_of: dt.date | None
    """The newest date of which anybody's scores are kept; None where none are."""
    scored: bool
    """Whether any model has a score of the person."""
    whys: tuple[TextAnswer, ...]
    """Why others have none, each reason once; empty also for somebody who is in no file."""

    @property
    def why_nothing(self) -> TextAnswer | None:
        """Why no model has a score; None where one has, and for somebody who is in no file."""
        return None if self.scored else next(iter(self.whys), None)


@dataclass(frozen=True, kw_only=True)
class _Scores:
    """The scores of one model at one date, with its words."""

    as_of: dt.date
    file: ScoreFile
    columns: Mapping[str, Column]
    voices: Voices
    population: Population


class ReasonReader:
    """Reads the reasons at ``as_of`` (default: the newest date of each model) for ``voice``; files are opened once."""

    def __init__(self, store: Store, voice: Reader, as_of: dt.date | None = None) -> None:
        self._voice, self._models = voice, list(_models(store, as_of))

    def reasons(self, employee_id: str) -> Iterator[ReasonToTalk]:
        """The leading reasons that call for attention, each piece of evidence once."""
        shown: set[str] = set()
        for scores, rows in self._rows(employee_id):
            first = next((row for row in rows if row["status"] == "scored"), None)
            for reason in raising(cast(list[Reason], first["reasons"] or [])) if first else ():
                if scores.voices.readable(reason, self._voice) and reason["evidence"] not in shown:
                    shown.add(reason["evidence"])
                    yield _worded(reason, scores.voices, self._voice)

    def standing(self, employee_id: str) -> ScoreStanding:
        """Whether any model has a score of a person, and why others have none."""
        whys = [
            why_not_in_words(row, scores.population, scores.columns)
            for scores, rows in self._rows(employee_id)
            for row in rows
        ]
        return ScoreStanding(
            as_of=max((scores.as_of for scores in self._models), default=None),
            scored=None in whys,
            whys=tuple({why.en: why for why in whys if why is not None}.values()),
        )

    def _rows(self, employee_id: str) -> Iterator[tuple[_Scores, list[StoredRow]]]:
        for scores in self._models:
            rows = scores.file.rows(scores.file.of(employee_id), COLUMNS)
            yield scores, sorted(rows, key=lambda row: cast(int, row["horizon_days"]))


def _models(store: Store, as_of: dt.date | None) -> Iterator[_Scores]:
    for model in store.models():
        try:
            day, file = store.scores(model, as_of)
        except NotFound:
            continue
        version = str(file.column("model_version")[0])
        yield _Scores(
            as_of=day,
            file=file,
            columns=store.columns(model, version),
            voices=store.voices(model, version, day),
            population=store.record(model, version).spec.population,
        )


def _worded(reason: Reason, voices: Voices, voice: Reader) -> ReasonToTalk:
    """The sentence without what helps, which stands beside it."""
    action = Bilingual(en=voices.action(reason, "en"), zh=voices.action(reason, "zh"))
    return ReasonToTalk(
        evidence=reason["evidence"],
        owner=reason["owner"],
        fact=Bilingual(
            en=voices.text(reason, voice, "en").removesuffix(f"; {action.en}"),
            zh=voices.text(reason, voice, "zh").removesuffix(f"；{action.zh}"),
        ),
        action=action if action.en else None,
    )
