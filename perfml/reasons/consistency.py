"""Whether a reason holds: its sentence must not contradict itself, and it must say something.

A value contradicts its push where it is better than usual and raises the risk, or worse and lowers it. Models do learn such
things, from interactions and from what they could not separate; they are true of the margin and absurd as a sentence, so they are
worded as a change or as a combination.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from perfml.arrays import Bools, Floats
from perfml.errors import PerfmlError
from perfml.evidence.columns import Column
from perfml.messages.reasons import MIN_DISTANCE
from perfml.messages.values import value_text
from perfml.project.spec import Direction
from perfml.reasons.record import Form, Reason, ReasonValue

GOOD: Mapping[Direction, int] = {"higher": 1, "lower": -1, "neither": 0}
"""The sign of a difference that is good news."""
Fault = Literal["contradicts", "says nothing"]


def contradicts(
    value: Floats | float, reference: Floats | float, *, direction: Direction, contribution: Floats | float
) -> Bools:
    """Whether each value is better than its reference and raises the risk, or worse and lowers it; never for a missing one.

    >>> bool(contradicts(5.0, 3.0, direction="higher", contribution=0.4))
    True
    """
    return np.asarray((np.asarray(value) - reference) * GOOD[direction] * np.sign(contribution) > 0)


def differs(column: Column, values: Floats, median: float) -> Bools:
    """Whether each value (rows,) reads otherwise than the median; for a comparison, otherwise than the average of the group."""
    if column.relation is not None:
        return np.asarray(np.abs(values) >= MIN_DISTANCE)
    distinct, inverse = np.unique(values, return_inverse=True)
    common = value_text(median, column.unit, "en")
    return np.array([value_text(number, column.unit, "en") != common for number in distinct], dtype=bool)[inverse]


def fault(reason: Reason, columns: Mapping[str, Column]) -> Fault | None:
    """What is wrong with a reason as it is worded, by its facts alone; None where it holds."""
    if not reason["values"] or form_of(reason, columns) == "combined":
        return None
    if _contradictory(reason, columns):
        return "contradicts"
    first = reason["values"][0]
    if form_of(reason, columns) == "change":
        return "says nothing" if first["value"] == reason["values"][1]["value"] else None
    value, common = (np.nan if number is None else number for number in (first["value"], first["usual"]))
    return None if differs(column_of(first, columns), np.array([value]), common)[0] else "says nothing"


def column_of(value: ReasonValue, columns: Mapping[str, Column]) -> Column:
    """The meaning of a column behind a reason. Raises :class:`PerfmlError` for one that the model does not have."""
    column = columns.get(value["column"])
    if column is None:
        raise PerfmlError(
            "is not a column of the model that scored",
            where=repr(value["column"]),
            remedy="the scores were altered: score that date again",
        )
    return column


def form_of(reason: Reason, columns: Mapping[str, Column]) -> Form:
    """The form of a reason; of a row kept before there were forms, the one in which it does not contradict itself."""
    form = reason.get("form")
    if form is not None:
        return form
    return "combined" if reason["values"] and _contradictory(reason, columns) else "value"


def good_news(reason: Reason, columns: Mapping[str, Column]) -> bool:
    """Whether a reason lowers the risk by a value or a change that the definitions call good."""
    if reason["contribution"] >= 0 or not reason["values"] or form_of(reason, columns) == "combined":
        return False
    first = reason["values"][0]
    known = first["value"] is not None and column_of(first, columns).direction != "neither"
    return known and fault(reason, columns) is None


def _contradictory(reason: Reason, columns: Mapping[str, Column]) -> bool:
    first = reason["values"][0]
    column = column_of(first, columns)
    if reason.get("form") == "change":
        reference = reason["values"][1]["value"]
    else:
        reference = first["usual"] if column.relation is None else 0.0
    if first["value"] is None or reference is None:
        return False
    return bool(contradicts(first["value"], reference, direction=column.direction, contribution=reason["contribution"]))
