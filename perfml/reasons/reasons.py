"""From the contribution of every column to a few lines that a person can act on.

Contributions are exact path-dependent SHAP values on the calibrated margin. All columns of one piece of evidence (every
window of one thing) are summed before they are ranked; what is not listed stands in a last row, ``other``, so that the
base value and the rows of a list always add up to the margin. Rows are worked on together: words would otherwise cost more
than the contributions themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict

import numpy as np
import pyarrow as pa

from perfml import words
from perfml.arrays import Bools, Floats, Ints
from perfml.evidence.columns import Column
from perfml.project.spec import Owner

LISTED = 5
"""Reasons that are listed by name."""
SPEAKS = 0.25
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


class Value(TypedDict):
    """One column behind a reason: the person's value and the usual one (median of those scored at the same date)."""

    column: str
    value: float | None
    usual: float | None
    zh: str
    en: str


class Reason(TypedDict):
    """One line of an explanation; ``contribution`` is in log-odds.

    ``steady``: whether the reason, where it leads, mostly leads as well when the model is learnt from other people; None where
    that was not asked.
    """

    evidence: str
    contribution: float
    owner: Owner
    steady: bool | None
    zh: str
    en: str
    values: list[Value]


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
        place = {name: i for i, name in enumerate(names)}
        return cls(tuple(columns), names, np.array([place[c.reason] for c in columns], dtype=np.int64))

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
    """(rows, LISTED, VALUES): the columns behind each; the first one tells it."""

    @property
    def there(self) -> Bools:
        """(rows, LISTED): whether there is a reason."""
        found: Bools = self.shown[:, :, 0] != NONE
        return found


def explain(
    grouping: Grouping,
    contributions: Floats,
    values: Floats,
    usual: Floats,
    steady: Mapping[str, bool] = MappingProxyType({}),
) -> pa.ListArray:
    """The reasons of each row, the strongest first and ``other`` last: a list of :data:`REASON` a row.

    ``contributions``: (rows, columns + 1), last column the base value; ``values``: (rows, columns); ``usual``: (columns,);
    ``steady``: of reasons by name, as far as it is known.
    """
    return _in_words(lead(grouping, contributions, values, usual), grouping.columns, values, usual, steady)


def lead(grouping: Grouping, contributions: Floats, values: Floats, usual: Floats) -> Leading:
    """Which reasons lead each row, and which columns stand behind each; arguments as :func:`explain` has them.

    A reason is told by the column that pushes it most in the reason's own direction. A column whose value reads like the usual
    one explains nothing: the next that differs speaks, if it pushes at least :data:`SPEAKS` of the strongest.
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
            differs = _differs([grouping.columns[i] for i in members], values[np.ix_(row, members)], usual[members])
            shown[row, slot] = _shown(members, contributions[np.ix_(row, members)], total[row, slot], differs)
    unlisted = np.ones((len(sums), sums.shape[1] + 1), dtype=bool)
    np.put_along_axis(unlisted, strongest, False, axis=1)  # NONE is the last, which is no reason
    return Leading(total, (sums * unlisted[:, :-1]).sum(axis=1), shown)


def _shown(members: Ints, contribution: Floats, total: Floats, differs: Bools) -> Ints:
    """The columns behind one reason: (rows, VALUES), the telling one first, those that push nothing left out."""
    push = contribution * np.sign(total)[:, None]
    order = np.argsort(-push, axis=1, kind="stable")
    sorted_push = np.take_along_axis(push, order, axis=1)
    able = (sorted_push > 0) & (sorted_push >= SPEAKS * sorted_push[:, :1]) & np.take_along_axis(differs, order, axis=1)
    told = np.argmax(able, axis=1)  # the first that may speak, else the strongest
    place = np.arange(len(members)) + np.zeros_like(order)
    place[np.arange(len(order)), told] = NONE
    order = np.take_along_axis(order, np.argsort(place, axis=1, kind="stable"), axis=1)[:, :VALUES]
    found = members[order]
    silent = np.take_along_axis(contribution, order, axis=1) == 0
    silent[:, 0] = False
    found[silent] = NONE
    out = np.full((len(found), VALUES), NONE, dtype=np.int64)
    out[:, : found.shape[1]] = found
    return out


def _differs(columns: Sequence[Column], values: Floats, usual: Floats) -> Bools:
    """Whether each value (rows, columns) reads otherwise than the usual one (columns,)."""
    out = np.empty(values.shape, dtype=bool)
    for place, column in enumerate(columns):
        given = values[:, place]
        if column.relation is not None:
            out[:, place] = np.abs(given) >= 0.05
            continue
        distinct, back = np.unique(given, return_inverse=True)
        common = words.value(usual[place], column.unit, "en")
        out[:, place] = np.array([words.value(one, column.unit, "en") != common for one in distinct])[back]
    return out


def _in_words(
    leading: Leading, columns: Sequence[Column], values: Floats, usual: Floats, steady: Mapping[str, bool]
) -> pa.ListArray:
    """Arrow arrays, built flat: the lines of all rows one after another, ``other`` after the lines of its row."""
    there = leading.there
    n, counts = len(there), there.sum(axis=1) + 1
    ends = np.cumsum(counts)
    other = ends - 1
    line = np.ones(int(ends[-1]) if n else 0, dtype=bool)
    line[other] = False
    row, slot = np.nonzero(there)
    told = leading.shown[row, slot, 0]
    contribution = np.empty(len(line))
    contribution[line], contribution[other] = leading.total[row, slot], leading.rest
    evidence, owner, zh, en = ([""] * len(line) for _ in range(4))
    said = _Words(columns, usual)
    given = values[row, told]
    for at, column, value, raises in zip(
        np.flatnonzero(line).tolist(),
        told.tolist(),
        given.tolist(),
        (leading.total[row, slot] > 0).tolist(),
        strict=True,
    ):
        evidence[at], owner[at] = columns[column].reason, columns[column].owner
        zh[at], en[at] = said(column, value, raises)
    for at, raises in zip(other.tolist(), (leading.rest >= 0).tolist(), strict=True):
        evidence[at], owner[at] = "other", "data"
        zh[at], en[at] = said.other(raises)
    behind = leading.shown[row, slot]
    filled = behind != NONE
    many = np.zeros(len(line), dtype=np.int64)
    many[line] = filled.sum(axis=1)
    which, whose = behind[filled], np.broadcast_to(row[:, None], behind.shape)[filled]
    names = [pa.array([getattr(c, what) for c in columns], pa.string()) for what in ("name", "zh", "en")]
    named = [array.take(pa.array(which)) for array in names]
    shown = pa.StructArray.from_arrays(
        [
            named[0],
            pa.array(values[whose, which], pa.float64(), from_pandas=True),
            pa.array(usual[which], pa.float64(), from_pandas=True),
            *named[1:],
        ],
        fields=list(_VALUE),
    )
    lines = pa.StructArray.from_arrays(
        [
            pa.array(evidence, pa.string()),
            pa.array(contribution),
            pa.array(owner, pa.string()),
            pa.array([steady.get(name) for name in evidence], pa.bool_()),
            pa.array(zh, pa.string()),
            pa.array(en, pa.string()),
            pa.ListArray.from_arrays(_offsets(many), shown),
        ],
        fields=list(REASON),
    )
    return pa.ListArray.from_arrays(_offsets(counts), lines)


def _offsets(counts: Ints) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())


class _Words:
    """The words of lines; the same column, value and direction are put into words once."""

    def __init__(self, columns: Sequence[Column], usual: Floats) -> None:
        self._columns, self._usual = columns, usual
        self._known: dict[tuple[int, float, bool], tuple[str, str]] = {}

    def __call__(self, column: int, value: float, raises: bool) -> tuple[str, str]:
        """(zh, en)."""
        key = (column, value, raises)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._line(self._columns[column], value, float(self._usual[column]), raises)
        return found

    def other(self, raises: bool) -> tuple[str, str]:
        """(zh, en) of what is not listed."""
        zh, en = (words.reason(words.other(language), raises=raises, language=language) for language in LANGUAGES)
        return zh, en

    def _line(self, column: Column, value: float, usual: float, raises: bool) -> tuple[str, str]:
        said = (
            words.evidence(column.reason_zh, column.zh, value, usual, column.unit, "zh"),
            words.evidence(column.reason_en, column.en, value, usual, column.unit, "en"),
        )
        zh, en = (
            words.reason(one, raises=raises, language=language) for one, language in zip(said, LANGUAGES, strict=True)
        )
        return zh, en


LANGUAGES: tuple[words.Language, words.Language] = ("zh", "en")
