"""The people of a list one by one, by rank and without names: what adds up to each risk, and what the model would predict for
other values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit

from perfml.arrays import Floats
from perfml.evidence.columns import Column
from perfml.learning.registry.model_store import Model
from perfml.reasons.leading import raising
from perfml.reasons.record import Reason
from perfml.reasons.what_if import along, moves
from perfml.scoring.score_files import RankedRow

MOST_PEOPLE = 50
"""People shown, from the highest risk on."""
STEPS = 7
"""Other values of a column for which a probability is computed, at most."""


@dataclass(frozen=True, kw_only=True)
class OtherValues:
    """The probability of one person with other values of one column."""

    column: Column
    own: float
    """The person's value; NaN where none is recorded."""
    predicted: tuple[tuple[float, float], ...]
    """Value and probability, ascending by value."""


@dataclass(frozen=True, kw_only=True)
class RankedPerson:
    """One person of a list at one horizon."""

    rank: int
    probability: float
    base: float
    """The base value in log-odds, to which the contributions of ``reasons`` are added."""
    reasons: tuple[Reason, ...]
    what_if: tuple[OtherValues, ...]
    """For the leading reasons that raise the risk and that somebody can act on."""

    @property
    def start(self) -> float:
        """The base value as a probability."""
        return float(expit(self.base))


def ranked_people(
    model: Model, scores: pa.Table, *, people: Sequence[str], features: Floats
) -> dict[int, tuple[RankedPerson, ...]]:
    """Horizon in days -> the people to act on, at most :data:`MOST_PEOPLE`; nobody where the model gives no list.

    ``scores`` of one date; ``features`` (n, the model's columns): the evidence of ``people``, all comparable to each other.
    """
    names = ["employee_id", "horizon_days", "rank", "band", "probability", "base_value", "reasons"]
    rows: list[RankedRow] = scores.select(names).to_pylist()
    row_of = {person: features[number] for number, person in enumerate(people)}
    return {
        days: tuple(
            RankedPerson(
                rank=row["rank"],
                probability=row["probability"],
                base=row["base_value"],
                reasons=tuple(row["reasons"]),
                what_if=tuple(_what_if(model, horizon, row, person=row_of[row["employee_id"]], features=features)),
            )
            for row in sorted(
                (row for row in rows if row["horizon_days"] == days and row["band"] == "act"),
                key=lambda row: row["rank"],
            )[:MOST_PEOPLE]
        )
        for horizon, days in enumerate(model.risks)
    }


def _what_if(model: Model, horizon: int, row: RankedRow, *, person: Floats, features: Floats) -> list[OtherValues]:
    """Predict for all other values of one person at once."""
    groups = [column.reason for column in model.columns]
    number_of = {column.name: number for number, column in enumerate(model.columns)}
    changed: list[tuple[int, Floats]] = []
    for reason in raising(row["reasons"]):
        named = model.columns[number_of[reason["values"][0]["column"]]]
        number = number_of.get(named.compares or named.name, number_of[named.name])
        if reason["owner"] == "data":
            continue
        allowed = moves(
            person=person,
            comparable=features,
            evidence=groups,
            may_change=np.array([group == reason["evidence"] for group in groups]),
            direction=[0] * len(groups),
        )
        changed += [(number, rows) for move in allowed if len(rows := along(person, move, number, most=STEPS))]
    if not changed:
        return []
    predicted = model.incidences(np.concatenate([rows for _, rows in changed])).incidence[:, 0, horizon]
    ends = np.cumsum([len(rows) for _, rows in changed])
    return [
        OtherValues(
            column=model.columns[number],
            own=float(person[number]),
            predicted=tuple(zip(rows[:, number].tolist(), predicted[end - len(rows) : end].tolist(), strict=True)),
        )
        for (number, rows), end in zip(changed, ends, strict=True)
    ]
