"""From the contribution of every column to a few lines that a person can act on.

Contributions are exact path-dependent SHAP values on the calibrated margin. All columns of one piece of evidence (every
window of one thing) are summed before they are ranked; what is not listed stands in a last row, ``other``, so that the
base value and the rows of a list always add up to the margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from perfml import words
from perfml.evidence.columns import Column

Floats = npt.NDArray[np.float64]
LEADING = 5
"""Reasons that are listed by name."""
SPEAKS = 0.25
VALUES = 3
"""Columns shown behind a reason."""


class Value(TypedDict):
    """One column behind a reason: the person's value and the usual one (median of those scored at the same date)."""

    column: str
    value: float | None
    usual: float | None
    zh: str
    en: str


class Reason(TypedDict):
    """One line of an explanation; ``contribution`` is in log-odds."""

    evidence: str
    contribution: float
    owner: str
    zh: str
    en: str
    values: list[Value]


@dataclass(frozen=True)
class Grouping:
    """Which columns make up which reason."""

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    member: npt.NDArray[np.int64]
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


def explain(grouping: Grouping, contributions: Floats, values: Floats, usual: Floats) -> list[list[Reason]]:
    """The reasons of each row, the strongest first and ``other`` last.

    ``contributions``: (rows, columns + 1), last column the base value; ``values``: (rows, columns); ``usual``: (columns,).
    """
    sums = grouping.sums(contributions[:, :-1])
    strongest = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :LEADING]
    members = [np.flatnonzero(grouping.member == reason) for reason in range(len(grouping.names))]
    out = []
    for row in range(len(sums)):
        lines: list[Reason] = []
        left = contributions[row, :-1].sum()
        for reason in strongest[row]:
            total = float(sums[row, reason])
            if total == 0:
                break
            lines.append(_line(grouping, members[reason], contributions[row], values[row], usual, total))
            left -= total
        rest = float(left)
        lines.append(
            {
                "evidence": "other",
                "contribution": rest,
                "owner": "data",
                "zh": words.reason(words.other("zh"), raises=rest >= 0, language="zh"),
                "en": words.reason(words.other("en"), raises=rest >= 0, language="en"),
                "values": [],
            }
        )
        out.append(lines)
    return out


def _line(
    grouping: Grouping,
    members: npt.NDArray[np.int64],
    contribution: Floats,
    value: Floats,
    usual: Floats,
    total: float,
) -> Reason:
    """The line of one reason, told by the column that pushes it most in the reason's own direction.

    A column whose value reads like the usual one explains nothing: the next that differs speaks, if it pushes at least
    :data:`SPEAKS` of the strongest.
    """
    push = contribution * np.sign(total)
    order = members[np.argsort(-push[members], kind="stable")]
    strong = [i for i in order if push[i] > 0 and push[i] >= SPEAKS * push[order[0]]]
    told = next((i for i in strong if _differs(grouping.columns[i], value[i], usual[i])), order[0])
    order = np.concatenate([[told], order[order != told]])
    lead = grouping.columns[told]
    shown = [column for column in order[:VALUES] if contribution[column] != 0]
    return {
        "evidence": lead.reason,
        "contribution": total,
        "owner": lead.owner,
        "zh": _text(lead, value[told], usual[told], total, "zh"),
        "en": _text(lead, value[told], usual[told], total, "en"),
        "values": [_value(grouping.columns[i], value[i], usual[i]) for i in shown],
    }


def _differs(column: Column, value: float, usual: float) -> bool:
    if column.relation is not None:
        return abs(value) >= 0.05
    return words.value(value, column.unit, "en") != words.value(usual, column.unit, "en")


def _text(column: Column, value: float, usual: float, total: float, language: words.Language) -> str:
    title, meaning = (column.reason_zh, column.zh) if language == "zh" else (column.reason_en, column.en)
    said = words.evidence(title, meaning, value, usual, column.unit, language)
    return words.reason(said, raises=total > 0, language=language)


def _value(column: Column, value: float, usual: float) -> Value:
    return {
        "column": column.name,
        "value": None if np.isnan(value) else float(value),
        "usual": None if np.isnan(usual) else float(usual),
        "zh": column.zh,
        "en": column.en,
    }
