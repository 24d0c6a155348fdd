"""The evidence of a reason in words, from its record: the same for HR, manager and employee."""

from __future__ import annotations

import math
from collections.abc import Mapping

from perfml.evidence.columns import Column
from perfml.messages.message import Language, fill
from perfml.messages.reasons import among, change_beside, evidence_text, other_text, value_beside
from perfml.messages.values import value_text
from perfml.reasons.consistency import column_of, form_of
from perfml.reasons.record import Form, Reason, ReasonValue


def evidence(reason: Reason, columns: Mapping[str, Column], language: Language) -> str:
    """Word the evidence of a reason, without its direction. ``columns``: those of the model that scored, by name.

    Raises :class:`PerfmlError` for a reason with a column that the model does not have.
    """
    if not reason["values"]:
        return other_text(language)
    first, *others = reason["values"]
    return describe(first, others[0] if others else None, form_of(reason, columns), columns=columns, language=language)


def describe(
    first: ReasonValue,
    second: ReasonValue | None,
    form: Form,
    *,
    columns: Mapping[str, Column],
    language: Language,
) -> str:
    """Word the named column; ``second``: the earlier value of a change, or the column that a comparison compares."""
    column = column_of(first, columns)
    title = column.reason_zh if language == "zh" else column.reason_en
    if column.relation is not None:
        compared = second if second is not None and second["column"] == column.compares else None
        meaning = column_of(compared, columns) if compared else column
        comparison = _among(first["value"], column, compared, columns=columns, language=language)
    else:
        meaning = column
        if form == "change" and second is not None and None not in (first["value"], second["value"]):
            comparison = change_beside(
                second["value"] or 0.0,
                first["value"] or 0.0,
                median=first["usual"],
                unit=column.unit,
                language=language,
            )
        else:
            comparison = value_beside(first["value"], first["usual"], column.unit, language)
    text = evidence_text(title, meaning.zh if language == "zh" else meaning.en, comparison, language)
    return fill("in_combination", language, evidence=text) if form == "combined" else text


def _among(
    z: float | None,
    column: Column,
    compared: ReasonValue | None,
    *,
    columns: Mapping[str, Column],
    language: Language,
) -> str:
    """The person's value among the group; beside the median too, where both comparisons point the same way."""
    standing = among(z, column.relation or "team", language)
    if compared is None or z is None or math.isnan(z):
        return standing
    value, median = compared["value"], compared["usual"]
    unit = column_of(compared, columns).unit
    alike = value is not None and median is not None and (value - median) * z > 0
    text = value_beside(value, median, unit, language) if alike else value_text(value, unit, language)
    return fill("value_among", language, value=text, among=standing)
