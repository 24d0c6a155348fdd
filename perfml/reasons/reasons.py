"""Reasons: from the contribution of every column to a few lines that a person can act on.

Contributions are exact path-dependent SHAP values on the calibrated margin. All columns of one piece of evidence (every
window of one measure) are summed before they are ranked; whatever is not listed is summed in a last row, ``other``, so that the
base value and the rows of a list always add up to the margin. Rows are worked on together: rendering texts row by row would
cost more than the contributions themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from perfml.arrays import Floats, Ints
from perfml.evidence.columns import Column
from perfml.messages.message import Language
from perfml.messages.reasons import other_text, reason_text
from perfml.reasons.record import REASON, Form, ReasonValue
from perfml.reasons.selection import NONE, Grouping, Leading, Spread, lead
from perfml.reasons.wording import describe

LANGUAGES: tuple[Language, Language] = ("zh", "en")


def explain(
    grouping: Grouping,
    contributions: Floats,
    *,
    values: Floats,
    spread: Spread,
    stable: Mapping[str, bool] = MappingProxyType({}),
) -> pa.ListArray:
    """The reasons of each row, the strongest first and ``other`` last: a list of :data:`REASON` per row.

    ``contributions``: (rows, columns + 1), last column the base value; ``values``: (rows, columns); ``stable``: of reasons by
    name, as far as it is known.
    """
    leading = lead(grouping, contributions, values=values, spread=spread)
    return _to_arrow(leading, grouping.columns, values=values, median=spread.median, stable=stable)


def _to_arrow(
    leading: Leading, columns: Sequence[Column], *, values: Floats, median: Floats, stable: Mapping[str, bool]
) -> pa.ListArray:
    """Arrow arrays, built flat: the lines of all rows one after another, ``other`` after the lines of its row."""
    exists = leading.exists
    n, counts = len(exists), exists.sum(axis=1) + 1
    ends = np.cumsum(counts)
    other = ends - 1
    line = np.ones(int(ends[-1]) if n else 0, dtype=bool)
    line[other] = False
    row, slot = np.nonzero(exists)
    named = leading.shown[row, slot, 0]
    contribution = np.empty(len(line))
    contribution[line], contribution[other] = leading.total[row, slot], leading.rest
    evidence, owner, zh, en = ([""] * len(line) for _ in range(4))
    texts = _Texts(columns, median)
    form: list[Form | None] = [None] * len(line)
    second = leading.shown[row, slot, 1]
    for at, raises, worded, first, first_value, other_column, other_value in zip(
        np.flatnonzero(line).tolist(),
        (leading.total[row, slot] > 0).tolist(),
        leading.form[row, slot].tolist(),
        named.tolist(),
        values[row, named].tolist(),
        second.tolist(),
        values[row, second].tolist(),
        strict=True,
    ):
        evidence[at], owner[at], form[at] = columns[first].reason, columns[first].owner, worded
        zh[at], en[at] = texts(worded, raises, (first, first_value), (other_column, other_value))
    for at, raises in zip(other.tolist(), (leading.rest >= 0).tolist(), strict=True):
        evidence[at], owner[at] = "other", "data"
        zh[at], en[at] = texts.other(raises)
    behind = leading.shown[row, slot]
    filled = behind != NONE
    behind_counts = np.zeros(len(line), dtype=np.int64)
    behind_counts[line] = filled.sum(axis=1)
    which, whose = behind[filled], np.broadcast_to(row[:, None], behind.shape)[filled]
    labels = [pa.array([getattr(c, field) for c in columns], pa.string()) for field in ("name", "zh", "en")]
    name, *meanings = [array.take(pa.array(which)) for array in labels]
    inside = REASON.field("values").type.value_type
    shown = pa.StructArray.from_arrays(
        [
            name,
            pa.array(values[whose, which], pa.float64(), from_pandas=True),
            pa.array(median[which], pa.float64(), from_pandas=True),
            *meanings,
        ],
        fields=list(inside),
    )
    lines = pa.StructArray.from_arrays(
        [
            pa.array(evidence, pa.string()),
            pa.array(contribution),
            pa.array(owner, pa.string()),
            pa.array([stable.get(name) for name in evidence], pa.bool_()),
            pa.array(form, pa.string()),
            pa.array(zh, pa.string()),
            pa.array(en, pa.string()),
            pa.ListArray.from_arrays(_offsets(behind_counts), shown),
        ],
        fields=list(REASON),
    )
    return pa.ListArray.from_arrays(_offsets(counts), lines)


def _offsets(counts: Ints) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())


class _Texts:
    """The texts of lines; each combination of form, direction, columns and values is rendered once."""

    def __init__(self, columns: Sequence[Column], median: Floats) -> None:
        self._columns, self._median = columns, median
        self._by_name = {column.name: column for column in columns}
        self._rendered: dict[tuple[object, ...], tuple[str, str]] = {}

    def __call__(
        self, form: Form, raises: bool, first: tuple[int, float], second: tuple[int, float]
    ) -> tuple[str, str]:
        """(zh, en). ``first`` and ``second``: column and value; a second column that completes nothing is left out."""
        if form != "change" and self._columns[first[0]].compares != self._columns[second[0]].name:
            second = (NONE, 0.0)
        key = (form, raises, first, second)
        texts = self._rendered.get(key)
        if texts is None:
            texts = self._rendered[key] = self._line(form, raises, first, second)
        return texts

    def other(self, raises: bool) -> tuple[str, str]:
        """(zh, en) of what is not listed."""
        zh, en = (reason_text(other_text(language), raises=raises, language=language) for language in LANGUAGES)
        return zh, en

    def _line(self, form: Form, raises: bool, first: tuple[int, float], second: tuple[int, float]) -> tuple[str, str]:
        named, completing = self._value(*first), self._value(*second) if second[0] != NONE else None
        zh, en = (
            reason_text(
                describe(named, completing, form, columns=self._by_name, language=language),
                raises=raises,
                language=language,
            )
            for language in LANGUAGES
        )
        return zh, en

    def _value(self, column: int, value: float) -> ReasonValue:
        described = self._columns[column]
        # −0 is worded as 0, whichever of the two was rendered first
        known, median = (None if np.isnan(number) else float(number) + 0.0 for number in (value, self._median[column]))
        return {"column": described.name, "value": known, "usual": median, "zh": described.zh, "en": described.en}
