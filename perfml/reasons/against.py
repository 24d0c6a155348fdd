"""Reasons against a reference group in words: the person's own value, and on which side of most of the others it lies.

No value of the group is stated, and no median or mean of it: the median of a team of six is somebody's value.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perfml.arrays import Floats
from perfml.evidence.columns import Column
from perfml.messages.message import Language, fill
from perfml.messages.reasons import evidence_text, other_text
from perfml.messages.values import value_text
from perfml.reasons.consistency import column_of, form_of
from perfml.reasons.leading import UNLISTED
from perfml.reasons.record import Form, Reason, ReasonValue
from perfml.reasons.selection import NONE, Grouping, Spread, lead
from perfml.reasons.wording import describe

MOST = 0.5
"""Share of the others above which they are most of them."""


class AgainstGroup:
    """The others that somebody is compared with: ``background`` (others, columns), in the order of ``columns``.

    Nothing is said of a column of which fewer than ``least_others`` have a value.
    """

    def __init__(self, background: Floats, *, columns: Mapping[str, Column], least_others: int) -> None:
        known = (~np.isnan(background)).sum(axis=0) >= least_others
        self.columns = columns
        self._values = np.where(known, background, np.nan)
        self._number = {name: number for number, name in enumerate(columns)}

    def spread(self, middle_share: float) -> Spread:
        """What is ordinary in the group, by which reasons are chosen; it is not stated."""
        return Spread.of(self._values.T, middle_share=middle_share)

    def standing(self, value: ReasonValue) -> str | None:
        """The message of how a value lies beside most of the others; None where it lies on neither side, or is not known."""
        theirs = self._values[:, self._number[value["column"]]]
        theirs = theirs[~np.isnan(theirs)]
        if value["value"] is None or not len(theirs):
            return None
        below, above = (theirs < value["value"]).mean(), (theirs > value["value"]).mean()
        if max(below, above) <= MOST:
            return None
        if self.columns[value["column"]].unit == "yes or no":
            return "unlike_most"
        return "above_most" if below > MOST else "below_most"

    def evidence(self, reason: Reason, columns: Mapping[str, Column], language: Language) -> str:
        """Word the evidence of a reason without its direction; :func:`perfml.reasons.wording.evidence` does without a group."""
        if not reason["values"]:
            return other_text(language)
        first, *rest = reason["values"]
        column, form = column_of(first, columns), form_of(reason, columns)
        if column.relation is not None:
            return describe(first, rest[0] if rest else None, form, columns=columns, language=language)
        value = value_text(first["value"], column.unit, language)
        if form == "change" and rest and None not in (first["value"], rest[0]["value"]):
            value = fill("from_to", language, before=value_text(rest[0]["value"], column.unit, language), after=value)
        standing = (
            self.standing(first) if form == "value" else None
        )  # a fall to what is still above most is no contradiction
        comparison = value if standing is None else fill(standing, language, value=value)
        title, meaning = (column.reason_zh, column.zh) if language == "zh" else (column.reason_en, column.en)
        text = evidence_text(title, meaning, comparison, language)
        return fill("in_combination", language, evidence=text) if form == "combined" else text


def group_reasons(
    contributions: Floats, compared: AgainstGroup, *, values: Floats, middle_share: float
) -> list[Reason]:
    """The reasons of one person, the strongest first and ``other`` last, without texts.

    ``contributions``: (columns + 1,), the base value last; ``values``: (columns,), missing where they may not be told. Which
    reasons lead, and by which column they are named, is decided as for a score, with what is ordinary in the group.
    """
    columns = tuple(compared.columns.values())
    spread = compared.spread(middle_share)
    leading = lead(Grouping.of(columns), contributions[None], values=values[None], spread=spread)
    out: list[Reason] = []
    for slot in np.flatnonzero(leading.exists[0]).tolist():
        shown = [number for number in leading.shown[0, slot].tolist() if number != NONE]
        named, form = columns[shown[0]], leading.form[0, slot]
        if form != "change" and len(shown) > 1 and named.compares != columns[shown[1]].name:
            shown = shown[:1]
        out.append(
            _reason(
                named,
                float(leading.total[0, slot]),
                form=form,
                values=[_value(columns[at], values[at]) for at in shown],
            )
        )
    rest: Reason = {
        "evidence": UNLISTED,
        "contribution": float(leading.rest[0]),
        "owner": "data",
        "steady": None,
        "form": None,
        "zh": "",
        "en": "",
        "values": [],
    }
    return [*out, rest]


def _reason(column: Column, contribution: float, *, form: Form, values: list[ReasonValue]) -> Reason:
    return {
        "evidence": column.reason,
        "contribution": contribution,
        "owner": column.owner,
        "steady": None,
        "form": form,
        "zh": "",
        "en": "",
        "values": values,
    }


def _value(column: Column, value: float) -> ReasonValue:
    known = None if np.isnan(value) else float(value)
    return {"column": column.name, "value": known, "usual": None, "zh": column.zh, "en": column.en}
