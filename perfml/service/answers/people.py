"""One person's risk: every row that is stored, with its reasons, or with why there is no score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import cast

from pydantic_core import to_json

from perfml.errors import PerfmlError
from perfml.home_reads import Memo
from perfml.learning.record import NO_BACKTEST, TrainingRecord
from perfml.messages import Message
from perfml.project.voices import Reader, Who
from perfml.reasons.record import Reason
from perfml.scoring.score_files import COLUMNS
from perfml.scoring.sealed_files import DamagedFile
from perfml.scoring.withheld.stale import StaleScore, last_good
from perfml.service.answers.of_person.not_scored import why_not, why_not_in_words
from perfml.service.answers.shared import (
    Answer,
    CauseAnswer,
    HorizonDays,
    IsoDate,
    ReasonLineAnswer,
    RiskBand,
    ScoreStatus,
    ServiceQuery,
    TextAnswer,
)
from perfml.service.problems import NotFound, no_person, no_scores
from perfml.service.scores import ScoreFile, StoredRow
from perfml.service.store import Store
from perfml.service.texts import JsonText

MOST_QUESTIONS = 64
"""Combinations of model and date of which a process remembers the files."""
ScoresOfModel = tuple[str, dt.date, ScoreFile]
_SOUND: Memo[list[ScoresOfModel]] = Memo(MOST_QUESTIONS)


class ColumnValueAnswer(Answer):
    """One column behind a reason: the person's value, and the median of those scored at the same date."""

    column: str
    value: float | None
    usual: float | None
    zh: str
    en: str


class ReasonAnswer(ReasonLineAnswer):
    """A line with the columns behind it."""

    values: tuple[ColumnValueAnswer, ...]


class StaleAnswer(Answer):
    """A score that does not stand on data in doubt, with its date."""

    as_of: dt.date
    probability: float


class PersonRowAnswer(Answer):
    """One person's score by one model at one date for one horizon."""

    model: str
    title: TextAnswer
    model_version: str
    as_of: dt.date
    horizon_days: int
    proven: bool
    """Whether no gate of the model failed. Otherwise there is neither rank nor band."""
    verdict: TextAnswer
    status: ScoreStatus
    why_not: TextAnswer | None
    """Why there is no score; null where there is one."""
    probability: float | None
    incidence: tuple[CauseAnswer, ...]
    """The probability of each cause, the listed outcome first; empty without a score, or where the outcome is no exit."""
    segments: tuple[str, ...]
    """Those of the model's segments that the person belongs to."""
    stale: StaleAnswer | None = None
    """The last good score of somebody held: in no ranking."""
    rank: int | None
    band: RiskBand | None
    margin: float | None
    """The score in log-odds: ``base_value`` and the contributions of all reasons add up to it."""
    base_value: float | None
    reasons: tuple[ReasonAnswer, ...]


class PersonAnswer(Answer):
    """Everything stored about one person's risk, one row for each model, date and horizon."""

    employee_id: str
    rows: tuple[PersonRowAnswer, ...]


class VoicedReasonAnswer(Answer):
    """One reason, worded for the manager or the employee."""

    evidence: str
    owner: str
    """Who can act on it: employee, manager, company or data."""
    concern: bool
    """Whether it is worth attention; otherwise it is going well."""
    zh: str
    en: str


class VoicedRowAnswer(Answer):
    """What manager and employee may read of one score: its reasons, the strongest first, and no figure of the risk."""

    model: str
    as_of: dt.date
    horizon_days: int
    status: ScoreStatus
    why_not: TextAnswer | None
    """Why there is no score, in everyday words; null where there is one."""
    reasons: tuple[VoicedReasonAnswer, ...]


class VoicedPersonAnswer(Answer):
    """What a manager or an employee may read, one row for each model, date and horizon."""

    employee_id: str
    voice: Reader
    rows: tuple[VoicedRowAnswer, ...]


class PersonQuery(ServiceQuery):
    """Which of a person's rows. Any other parameter is refused."""

    model: str | None = None
    """Every model when absent."""
    as_of: IsoDate | None = None
    """YYYY-MM-DD; each model's newest scored date when absent."""
    voice: Who | None = None
    """The audience of the reasons, worded neutrally when absent. ``manager`` and ``employee`` get another answer, without
    probability, rank, band and contributions."""
    horizon_days: HorizonDays | None = None
    """Every horizon when absent."""

    @property
    def of_written_texts(self) -> bool:
        """Whether the answer is joined from texts that are written once a file."""
        return self.voice is None and self.horizon_days is None


def person_risk(store: Store, employee_id: str, query: PersonQuery) -> PersonAnswer | VoicedPersonAnswer:
    """Return every requested row of a person.

    Raises :class:`NotFound`, with the same text for someone who does not exist and someone without scores; for a model or a
    date without scores the text depends on no person. Raises :class:`ModelError` where the version that scored is altered.
    """
    rows = [
        row
        for model, as_of, file in _files(store, query)
        for row in _rows(store, file, model=model, as_of=as_of, employee_id=employee_id, query=query)
    ]
    if not rows:
        raise no_person()
    if query.voice is None or query.voice == "hr":
        return PersonAnswer(employee_id=employee_id, rows=tuple(r for r in rows if isinstance(r, PersonRowAnswer)))
    voiced = tuple(row for row in rows if isinstance(row, VoicedRowAnswer))
    return VoicedPersonAnswer(employee_id=employee_id, voice=query.voice, rows=voiced)


def person_risk_json(store: Store, employee_id: str, query: PersonQuery) -> JsonText:
    """:func:`person_risk` as JSON: without a voice or a horizon put together from the texts of the rows, which are written once
    a file."""
    if not query.of_written_texts:
        return JsonText.of(person_risk(store, employee_id, query).model_dump_json().encode())
    files = _SOUND.of((store.home, query.model, query.as_of), lambda: _sound_files(store, query))
    of_files = [_text(store, file, model=model, as_of=as_of, employee_id=employee_id) for model, as_of, file in files]
    texts = [text for text in of_files if text is not None]
    if not texts:
        raise no_person()
    return JsonText.joined(b'{"employee_id":%s,"rows":[' % to_json(employee_id), texts, b"]}")


def write_texts(store: Store, model: str) -> Iterator[str]:
    """Write the texts of everybody's newest rows by a model before somebody asks; yields each person then.

    Raises :class:`NotFound`, :class:`DamagedFile` and :class:`ModelError`.
    """
    as_of, file = store.scores(model)
    for person in file.people:
        _text(store, file, model=model, as_of=as_of, employee_id=person)
        yield person


def _files(store: Store, query: PersonQuery) -> list[ScoresOfModel]:
    """The files of scores that are asked for, with their models and dates."""
    models = [query.model] if query.model is not None else store.models()
    files = []
    for model in models:
        try:
            files.append((model, *store.scores(model, query.as_of)))
        except NotFound:
            if query.model is not None:
                raise
    if query.as_of is not None and not files:
        scored = sorted({day for model in models for day in store.scored(model)}, reverse=True)
        raise no_scores(", ".join(models), query.as_of, scored)
    return files


def _sound_files(store: Store, query: PersonQuery) -> list[ScoresOfModel]:
    """Those of :func:`_files`; raises, whoever is asked about, where a model is not sound."""
    files = _files(store, query)
    for model, _, file in files:
        store.record(model, file.model_version)
    return files


def _text(store: Store, file: ScoreFile, *, model: str, as_of: dt.date, employee_id: str) -> JsonText | None:
    """A person's rows of a file, between commas."""

    def write() -> JsonText:
        rows = _rows(store, file, model=model, as_of=as_of, employee_id=employee_id, query=PersonQuery())
        return JsonText.of(b",".join([row.model_dump_json().encode() for row in rows]))

    return file.text(employee_id, write)


def _rows(
    store: Store, file: ScoreFile, *, model: str, as_of: dt.date, employee_id: str, query: PersonQuery
) -> Iterator[PersonRowAnswer | VoicedRowAnswer]:
    # The model is read before the person is looked up: whether its files are sound must not reveal who has a score.
    version = file.model_version
    record = store.record(model, version)
    voices = None if query.voice is None else store.voices(model, version, as_of)
    good: Mapping[int, StaleScore] = {}
    for row in file.rows_of(employee_id, COLUMNS):
        if row["status"] == "held" and not good:
            good = last_good(store.home, model, employee_id, until=as_of)
        if query.horizon_days not in (None, row["horizon_days"]):
            continue
        reasons = cast(list[Reason], row["reasons"] or [])
        try:
            if voices is None or query.voice is None:
                yield _row({**row, "reasons": reasons}, model, as_of, record, good)
            elif query.voice == "hr":
                yield _row({**row, "reasons": voices.retell(reasons)}, model, as_of, record, good)
            else:
                yield VoicedRowAnswer.model_validate(
                    {
                        "model": model,
                        "as_of": as_of,
                        **{name: row[name] for name in ("horizon_days", "status")},
                        "why_not": why_not_in_words(row, record.spec.population, store.columns(model, version)),
                        "reasons": [asdict(each) for each in voices.voiced_reasons(reasons, query.voice)],
                    }
                )
        except PerfmlError as error:
            path = store.home / "scores" / model / f"{as_of}.parquet"
            raise DamagedFile(path, Message.of("file_earlier")) from error


def _row(
    row: StoredRow, model: str, as_of: dt.date, record: TrainingRecord, good: Mapping[int, StaleScore]
) -> PersonRowAnswer:
    tested = next((t for days, t in record.backtests.items() if days == row["horizon_days"]), None)
    stale = good.get(cast(int, row["horizon_days"]))
    return PersonRowAnswer.model_validate(
        {
            **row,
            "model": model,
            "as_of": as_of,
            "title": TextAnswer(zh=record.spec.zh, en=record.spec.en),
            "proven": tested is not None and tested.proven,
            "verdict": TextAnswer.of(NO_BACKTEST if tested is None else tested.text),
            "why_not": why_not(row, record.spec.population),
            "incidence": row["incidence"] or (),
            "stale": None if stale is None else asdict(stale),
        }
    )
