"""Reasons: from the contribution of every column to a few lines that a person can act on.

Contributions are exact path-dependent SHAP values on the calibrated margin. All columns of one piece of evidence (every
window of one measure) are summed before they are ranked; whatever is not listed is summed in a last row, ``other``, so that the
base value and the rows of a list always add up to the margin. Rows are worked on together: rendering texts row by row would
cost more than the contributions themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict

import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Floats, Ints
from perfml.evidence.columns import Column
from perfml.messages.message import Language
from perfml.messages.reasons import other_text, reason_text
from perfml.messages.values import value_text
from perfml.project.spec import Owner

LANGUAGES: tuple[Language, Language] = ("zh", "en")
LISTED = 5
"""Reasons that are listed by name."""
MIN_RELATIVE_PUSH = 0.25
"""Share of the strongest column's push that a column needs to be named in its place."""
MIN_DISTANCE = 0.05
"""Standard deviations below which a comparison reads as "about the mean"."""
VALUES = 3
"""Columns shown behind a reason."""
NONE = -1
_VALUE = pa.struct(
    [
        ("column", pa.string()),
        ("value", pa.float64()),
        ("usual", pa.float64()),
        ("zh", pa.string()),
        ("en", pa.string()),
    ]
)
REASON = pa.struct(
    [
        ("evidence", pa.string()),
        ("contribution", pa.float64()),
        ("owner", pa.string()),
        ("steady", pa.bool_()),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("values", pa.list_(_VALUE)),
    ]
)
"""A :class:`Reason` as a column of a table."""


class ReasonValue(TypedDict):
    """One column behind a reason: the person's value and ``usual``, the median of those scored at the same date."""

    column: str
    value: float | None
    usual: float | None
    zh: str
    en: str


class Reason(TypedDict):
    """One line of an explanation; ``contribution`` is in log-odds.

    ``steady``: whether the reason, where it leads, mostly leads again in refits on other people; None where that is unknown.
    """

    evidence: str
    contribution: float
    owner: Owner
    steady: bool | None
    zh: str
    en: str
    values: list[ReasonValue]


@dataclass(frozen=True)
class Grouping:
    """Which columns make up which reason."""

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    member: Ints
    """For each column, the index of its reason in ``names``."""

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Grouping:
        """Columns with the same ``reason`` belong together."""
        names = tuple(dict.fromkeys(c.reason for c in columns))
        index = {name: i for i, name in enumerate(names)}
        return cls(tuple(columns), names, np.array([index[c.reason] for c in columns], dtype=np.int64))

    def sums(self, contributions: Floats) -> Floats:
        """(rows, columns) -> (rows, reasons)."""
        out = np.zeros((len(contributions), len(self.names)))
        for column, reason in enumerate(self.member):
            out[:, reason] += contributions[:, column]
        return out


@dataclass(frozen=True)
class Leading:
    """The leading reasons of each row, the strongest first; :data:`NONE` where there are fewer."""

    total: Floats
    """(rows, LISTED): contribution of each."""
    rest: Floats
    """(rows,): contribution of all others."""
    shown: Ints
    """(rows, LISTED, VALUES): the columns behind each; the first one is named in the text."""

    @property
    def exists(self) -> Bools:
        """(rows, LISTED): whether there is a reason."""
        exists: Bools = self.shown[:, :, 0] != NONE
        return exists


def explain(
    grouping: Grouping,
    contributions: Floats,
    *,
    values: Floats,
    median: Floats,
    stable: Mapping[str, bool] = MappingProxyType({}),
) -> pa.ListArray:
    """The reasons of each row, the strongest first and ``other`` last: a list of :data:`REASON` per row.

    ``contributions``: (rows, columns + 1), last column the base value; ``values``: (rows, columns); ``median``: (columns,);
    ``stable``: of reasons by name, as far as it is known.
    """
    leading = lead(grouping, contributions, values=values, median=median)
    return _to_arrow(leading, grouping.columns, values=values, median=median, stable=stable)


def lead(grouping: Grouping, contributions: Floats, *, values: Floats, median: Floats) -> Leading:
    """Which reasons lead each row, and which columns stand behind each; arguments as in :func:`explain`.

    A reason names the column that pushes it most in the reason's own direction. A column whose value reads like the median
    explains nothing: the next one that differs is named, if it pushes at least :data:`MIN_RELATIVE_PUSH` of the strongest.
    """
    sums = grouping.sums(contributions[:, :-1])
    strongest = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :LISTED]
    missing = LISTED - strongest.shape[1]
    total = np.pad(np.take_along_axis(sums, strongest, axis=1), ((0, 0), (0, missing)))
    strongest = np.pad(strongest, ((0, 0), (0, missing)), constant_values=NONE)
    strongest[total == 0] = NONE
    shown = np.full((*strongest.shape, VALUES), NONE, dtype=np.int64)
    for reason in range(len(grouping.names)):
        row, slot = np.nonzero(strongest == reason)
        if len(row):
            members = np.flatnonzero(grouping.member == reason)
            differs = _differs([grouping.columns[i] for i in members], values[np.ix_(row, members)], median[members])
            shown[row, slot] = _shown(
                members, contributions[np.ix_(row, members)], total=total[row, slot], differs=differs
            )
    unlisted = np.ones((len(sums), sums.shape[1] + 1), dtype=bool)
    np.put_along_axis(unlisted, strongest, False, axis=1)  # NONE indexes the last column, which is no reason
    return Leading(total, (sums * unlisted[:, :-1]).sum(axis=1), shown)


def _shown(members: Ints, contribution: Floats, *, total: Floats, differs: Bools) -> Ints:
    """The columns behind one reason: (rows, VALUES), the named one first; columns without a contribution are left out."""
    push = contribution * np.sign(total)[:, None]
    order = np.argsort(-push, axis=1, kind="stable")
    sorted_push = np.take_along_axis(push, order, axis=1)
    able = (sorted_push > 0) & (sorted_push >= MIN_RELATIVE_PUSH * sorted_push[:, :1])
    able &= np.take_along_axis(differs, order, axis=1)
    named = np.argmax(able, axis=1)  # the first that may be named, else the strongest
    position = np.arange(len(members)) + np.zeros_like(order)
    position[np.arange(len(order)), named] = NONE
    order = np.take_along_axis(order, np.argsort(position, axis=1, kind="stable"), axis=1)[:, :VALUES]
    columns = members[order]
    silent = np.take_along_axis(contribution, order, axis=1) == 0
    silent[:, 0] = False
    columns[silent] = NONE
    out = np.full((len(columns), VALUES), NONE, dtype=np.int64)
    out[:, : columns.shape[1]] = columns
    return out


def _differs(columns: Sequence[Column], values: Floats, median: Floats) -> Bools:
    """Whether each value (rows, columns) reads otherwise than the median (columns,)."""
    out = np.empty(values.shape, dtype=bool)
    for i, column in enumerate(columns):
        value = values[:, i]
        if column.relation is not None:
            out[:, i] = np.abs(value) >= MIN_DISTANCE
            continue
        distinct, inverse = np.unique(value, return_inverse=True)
        common = value_text(median[i], column.unit, "en")
        out[:, i] = np.array([value_text(number, column.unit, "en") != common for number in distinct])[inverse]
    return out


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
    for at, column, value, raises in zip(
        np.flatnonzero(line).tolist(),
        named.tolist(),
        values[row, named].tolist(),
        (leading.total[row, slot] > 0).tolist(),
        strict=True,
    ):
        evidence[at], owner[at] = columns[column].reason, columns[column].owner
        zh[at], en[at] = texts(column, value, raises)
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
    shown = pa.StructArray.from_arrays(
        [
            name,
            pa.array(values[whose, which], pa.float64(), from_pandas=True),
            pa.array(median[which], pa.float64(), from_pandas=True),
            *meanings,
        ],
        fields=list(_VALUE),
    )
    lines = pa.StructArray.from_arrays(
        [
            pa.array(evidence, pa.string()),
            pa.array(contribution),
            pa.array(owner, pa.string()),
            pa.array([stable.get(name) for name in evidence], pa.bool_()),
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
    """The texts of lines; each combination of column, value and direction is rendered once."""

    def __init__(self, columns: Sequence[Column], median: Floats) -> None:
        self._columns, self._median = columns, median
        self._rendered: dict[tuple[int, float, bool], tuple[str, str]] = {}

    def __call__(self, column: int, value: float, raises: bool) -> tuple[str, str]:
        """(zh, en)."""
        key = (column, value, raises)
        texts = self._rendered.get(key)
        if texts is None:
            texts = self._rendered[key] = self._line(column, value, raises)
        return texts

    def other(self, raises: bool) -> tuple[str, str]:
        """(zh, en) of what is not listed."""
        zh, en = (reason_text(other_text(language), raises=raises, language=language) for language in LANGUAGES)
        return zh, en

    def _line(self, column: int, value: float, raises: bool) -> tuple[str, str]:
        described, median = self._columns[column], float(self._median[column])
        zh, en = (
            reason_text(described.text(value, median, language), raises=raises, language=language)
            for language in LANGUAGES
        )
        return zh, en
