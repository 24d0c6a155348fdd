"""What is kept about one person's risk: every row, with its reasons, or with why there is no score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import cast

from perfml.errors import PerfmlError
from perfml.project.voices import VoicesSpec, Who
from perfml.reasons.reasons import Reason
from perfml.reasons.voices import retold
from perfml.service.problems import NotThere, Unreadable, no_person, no_scores
from perfml.service.schemas import PersonAnswer, PersonQuery, PersonRow, Text
from perfml.service.scores import COLUMNS, Row, ScoreFile
from perfml.service.store import About, Population, Store


def person_risk(store: Store, employee_id: str, query: PersonQuery) -> PersonAnswer:
    """Every row of a person that was asked for.

    Raises :class:`NotThere`, in the same words for someone who does not exist and someone without scores; for a model
    or a date without scores the words depend on nobody. :class:`ModelError` where the version that scored is altered.
    """
    models = [query.model] if query.model is not None else store.models()
    rows: list[PersonRow] = []
    dates = 0
    for model in models:
        try:
            with store.scores(model, query.as_of) as (as_of, file):
                dates += 1
                rows += _rows(store, model, as_of, file, employee_id, query)
        except NotThere:
            if query.model is not None:
                raise
    if query.as_of is not None and not dates:
        raise no_scores(
            ", ".join(models),
            query.as_of,
            sorted({day for model in models for day in store.scored(model)}, reverse=True),
        )
    if not rows:
        raise no_person()
    return PersonAnswer(employee_id=employee_id, rows=tuple(rows))


def _rows(
    store: Store, model: str, as_of: dt.date, file: ScoreFile, employee_id: str, query: PersonQuery
) -> Iterator[PersonRow]:
    # The model before the person: whether its files are sound must not tell who has a score.
    about = store.about(model, str(file.rows([0], ["model_version"])[0]["model_version"]))
    here = [position for position, person in enumerate(file.column("employee_id")) if person == employee_id]
    voices = None if query.voice is None else store.voices(model, as_of)
    for row in file.rows(here, COLUMNS):
        if query.horizon_days in (None, row["horizon_days"]):
            reasons = cast(list[Reason], row["reasons"] or [])
            if voices is not None and query.voice is not None:
                reasons = _retold(reasons, voices, query.voice, f"{model}/{as_of}.parquet")
            yield _row({**row, "reasons": reasons}, model, as_of, about)


def _retold(reasons: list[Reason], voices: VoicesSpec, who: Who, where: str) -> list[Reason]:
    try:
        return retold(reasons, voices, who)
    except PerfmlError as error:
        zh = f"评分文件 {where} 由另一版本写成；请重新评分"
        raise Unreadable(error.problem, where=where, remedy=error.remedy, zh=zh) from error


def _row(row: Row, model: str, as_of: dt.date, about: About) -> PersonRow:
    tested = next((t for days, t in about.backtests.items() if days == row["horizon_days"]), None)
    verdict = tested.text if tested else Text(zh="没有回测", en="it has no back-test")
    return PersonRow.model_validate(
        {
            **row,
            "model": model,
            "as_of": as_of,
            "title": about.spec.text,
            "proven": tested is not None and tested.proven,
            "verdict": verdict,
            "why_not": why_not(row, about.spec.population),
            "incidence": row["incidence"] or (),
        }
    )


def why_not(row: Row, population: Population) -> Text | None:
    """Why a row has no score, in words that name the condition or the broken table; nothing where it has one.

    >>> why_not({"status": "thin", "why_not": None}, Population(eligible="true", thin="events_count_364d = 0")).en
    'too little is recorded about this person: events_count_364d = 0'
    """
    match row["status"]:
        case "held":
            return Text(
                zh=f"暂缓：该员工的数据有误（{row['why_not']}）",
                en=f"held until broken rows are mended: {row['why_not']}",
            )
        case "thin":
            return Text(
                zh=f"关于该员工的记录太少：{population.thin}",
                en=f"too little is recorded about this person: {population.thin}",
            )
        case "ineligible":
            return Text(
                zh=f"不在该模型的适用范围内，未满足：{population.eligible}",
                en=f"outside whom the model is for; this does not hold: {population.eligible}",
            )
        case _:
            return None
