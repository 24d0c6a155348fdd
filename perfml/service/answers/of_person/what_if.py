"""What the model would predict for one person with other evidence, from the rows kept when scoring."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Annotated, cast

from pydantic import Field

from perfml.messages import Message
from perfml.reasons.what_if import MOST_CHANGES
from perfml.scoring.score_files import COLUMNS, ExplainedScore
from perfml.scoring.what_if.evidence import evidence_path
from perfml.scoring.what_if.prediction import NOTE, CannotChange, OpenEvidence, predict_what_if
from perfml.service.answers.shared import Answer, HorizonDays, IsoDate, RequiredText, ServiceQuery, TextAnswer
from perfml.service.problems import Invalid, NotFound, no_person
from perfml.service.store import Store


class OpenEvidenceAnswer(Answer):
    """A piece of evidence that may take other values, by the column that speaks for it."""

    evidence: str
    """As in the person's reasons."""
    column: str
    label: TextAnswer
    unit: str
    own: float | None
    """Null where nothing is recorded."""
    low: float
    """Lower values are unusual among the people scored."""
    high: float

    @classmethod
    def of(cls, each: OpenEvidence) -> OpenEvidenceAnswer:
        """From what may change."""
        column = each.column
        label = TextAnswer(zh=column.zh, en=column.en)
        return cls(
            evidence=each.evidence,
            column=column.name,
            label=label,
            unit=column.unit,
            own=each.own,
            low=each.low,
            high=each.high,
        )


class TakenValueAnswer(Answer):
    """A change, as asked for and as taken."""

    evidence: str
    asked: float
    value: float
    """The nearest value that somebody really has, together with whatever else belongs to that evidence."""


class WhatIfAnswer(Answer):
    """The probability as it is and with the changes: prediction, and no effect."""

    employee_id: str
    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    before: float
    after: float
    changes: tuple[TakenValueAnswer, ...]
    possible: tuple[OpenEvidenceAnswer, ...]
    """What may change, in the order of the person's reasons; nothing that nobody can act on, or that may not be told."""
    note: TextAnswer
    """That this is no promise."""


class ChangeBody(ServiceQuery):
    """Another value of one piece of evidence."""

    evidence: RequiredText
    value: Annotated[float, Field(allow_inf_nan=False)]


class WhatIfBody(ServiceQuery):
    """Of which score, and what would be otherwise. Without changes: what may change, and how far."""

    model: RequiredText
    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest scored date when absent."""
    horizon_days: HorizonDays | None = None
    """The shortest horizon when absent."""
    changes: Annotated[tuple[ChangeBody, ...], Field(max_length=MOST_CHANGES)] = ()


def what_if(store: Store, employee_id: str, body: WhatIfBody) -> WhatIfAnswer:
    """Predict with the version that scored.

    Raises :class:`NotFound` with the same text for someone unknown, held or without a score; :class:`Invalid` for evidence that
    cannot change and values beyond what is usual; :class:`ModelError` and :class:`DamagedFile` for altered files.
    """
    as_of, file = store.scores(body.model, body.as_of)
    horizon = file.horizon(body.horizon_days, model=body.model)
    if not evidence_path(store.home, body.model, as_of).is_file():
        raise NotFound(
            Message.of("service_no_evidence"),
            where=f"model {body.model}, as_of {as_of}",
            remedy=Message.of("service_score_first", model=body.model),
        )
    rows = file.rows(file.of(employee_id), COLUMNS)
    row = next((row for row in rows if (row["horizon_days"], row["status"]) == (horizon.days, "scored")), None)
    if row is None:
        raise no_person()
    twice = [name for name, times in Counter(each.evidence for each in body.changes).items() if times > 1]
    try:
        if twice:
            raise CannotChange(f"{twice[0]!r} is named twice", where="changes", remedy="name it once")
        predicted = predict_what_if(
            store.home,
            cast(ExplainedScore, row),
            {each.evidence: each.value for each in body.changes},
            least_others=store.disclosure.min_others,
            load=lambda: store.light_model(body.model, horizon.version),
        )
    except CannotChange as error:
        problem, remedy = (
            Message.of("service_refused", problem=error.problem),
            Message.of("service_remedy", remedy=error.remedy),
        )
        raise Invalid(problem, where="body changes", remedy=remedy) from error
    return WhatIfAnswer(
        employee_id=employee_id,
        model=body.model,
        model_version=predicted.model_version,
        as_of=as_of,
        horizon_days=horizon.days,
        before=predicted.before,
        after=predicted.after,
        changes=tuple(
            TakenValueAnswer(evidence=each.of.evidence, asked=each.asked, value=each.value)
            for each in predicted.changes
        ),
        possible=tuple(map(OpenEvidenceAnswer.of, predicted.possible)),
        note=TextAnswer.of(NOTE),
    )
