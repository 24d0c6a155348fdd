"""What the model would predict for somebody, were one piece of evidence as it is for others. Prediction, and no promise.

A change takes a piece of evidence as a whole: the columns behind it become those of a person who really has such a value, so that
they fit together, and lie within what is usual among the people scored (:mod:`perfml.reasons.what_if`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from perfml.arrays import Floats
from perfml.errors import PerfmlError, choose_from
from perfml.evidence.columns import Column
from perfml.learning.registry.light_model import LightModel
from perfml.messages import Message, render
from perfml.reasons.leading import UNLISTED
from perfml.reasons.record import Reason
from perfml.reasons.what_if import MOST_CHANGES, Move, moves
from perfml.scoring.score_files import ExplainedScore
from perfml.scoring.sealed_files import DamagedFile
from perfml.scoring.what_if.evidence import PersonEvidence, evidence_path, read_evidence

NOTE = Message.of("what_if_note")
"""What a prediction for other values is not."""
SAME = 1e-9
"""How far the probability may be from that of the score file."""


class CannotChange(PerfmlError):
    """Evidence that cannot take another value, or not this one."""


@dataclass(frozen=True, kw_only=True)
class OpenEvidence:
    """A piece of evidence that may take other values, by the column that speaks for it."""

    evidence: str
    column: Column
    own: float | None
    """None where nothing is recorded."""
    low: float
    """Of what is usual among the people scored."""
    high: float


@dataclass(frozen=True, kw_only=True)
class TakenValue:
    """A change that was asked for, and the nearest value that somebody really has."""

    of: OpenEvidence
    asked: float
    value: float


@dataclass(frozen=True, kw_only=True)
class WhatIfPrediction:
    """The probability of one person within one horizon, as it is and with the changes."""

    employee_id: str
    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    before: float
    after: float
    changes: tuple[TakenValue, ...]
    possible: tuple[OpenEvidence, ...]
    """What may change, in the order of the person's reasons."""

    def to_json(self) -> dict[str, object]:
        """As JSON, columns by name."""
        possible = [{**asdict(each), "column": each.column.name} for each in self.possible]
        changes = [{"evidence": each.of.evidence, "asked": each.asked, "value": each.value} for each in self.changes]
        return {
            **asdict(self),
            "as_of": str(self.as_of),
            "changes": changes,
            "possible": possible,
            "note": {"en": render(NOTE, "en"), "zh": render(NOTE, "zh")},
        }


def predict_what_if(
    home: Path, row: ExplainedScore, changes: Mapping[str, float], *, least_others: int, load: Callable[[], LightModel]
) -> WhatIfPrediction:
    """Predict for the person of a score ``row`` with ``changes``: evidence, named as in its reasons, → value of its column.

    ``load``: the version that scored; ``least_others``: people with a value, below whom nothing is said of what is usual. Raises
    :class:`CannotChange` for what cannot change and for a value beyond the usual, :class:`DamagedFile` for files at odds.
    """
    model = load()
    leading = _leading(row["reasons"], model.columns)
    groups = [column.reason for column in model.columns]
    stored = read_evidence(
        home,
        row,
        columns=[column.name for column in model.columns],
        of_everyone=[number for number, group in enumerate(groups) if group in leading],
    )
    options = {
        move.evidence: move
        for move in moves(
            person=stored.own,
            comparable=stored.everyone,
            evidence=groups,
            may_change=np.array([group in leading for group in groups]),
            direction=[0] * len(groups),
        )
    }
    possible = {
        evidence: each
        for evidence, number in leading.items()
        if evidence in options
        and (each := _open(model.columns[number], number, stored, options[evidence], least_others)) is not None
    }
    person, taken = stored.own.copy(), []
    if len(changes) > MOST_CHANGES:
        raise CannotChange(f"{len(changes)} are too many", where="changes", remedy=f"change at most {MOST_CHANGES}")
    for evidence, asked in changes.items():
        if evidence not in possible:
            raise CannotChange(
                f"{evidence!r} cannot change here", where="changes", remedy=choose_from(possible, instead_of=evidence)
            )
        each, move = possible[evidence], options[evidence]
        if not each.low <= asked <= each.high:
            raise CannotChange(
                f"{evidence} is not usually {asked:g} here",
                where="changes",
                remedy=f"use a value from {each.low:g} to {each.high:g}",
            )
        values = _values(move, leading[evidence])
        chosen = int(np.lexsort((move.distance, np.abs(np.nan_to_num(values, nan=np.inf) - asked)))[0])
        person[move.columns] = move.values[chosen]
        taken.append(TakenValue(of=each, asked=asked, value=float(values[chosen])))
    before, after = model.probabilities(np.stack([stored.own, person]), row["horizon_days"]).tolist()
    if abs(before - row["probability"]) > SAME:
        raise DamagedFile(evidence_path(home, row["model"], row["as_of"]), Message.of("file_earlier"))
    return WhatIfPrediction(
        employee_id=row["employee_id"],
        model=row["model"],
        model_version=row["model_version"],
        as_of=row["as_of"],
        horizon_days=row["horizon_days"],
        before=before,
        after=after,
        changes=tuple(taken),
        possible=tuple(possible.values()),
    )


def _leading(reasons: Sequence[Reason], columns: Sequence[Column]) -> dict[str, int]:
    """Evidence → the number of the column that speaks for it, for every listed reason that somebody can act on."""
    number_of = {column.name: number for number, column in enumerate(columns)}
    leading: dict[str, int] = {}
    for reason in reasons:
        if reason["evidence"] != UNLISTED and reason["owner"] != "data" and reason["values"]:
            named = columns[number_of[reason["values"][0]["column"]]]
            leading[reason["evidence"]] = number_of.get(named.compares or named.name, number_of[named.name])
    return leading


def _open(column: Column, number: int, stored: PersonEvidence, move: Move, least_others: int) -> OpenEvidence | None:
    """What may change; None where the person's value may not be told, or too few others have one."""
    values = _values(move, number)
    known = values[~np.isnan(values)]
    others = int((~np.isnan(stored.everyone[:, number])).sum()) - 1
    if not stored.stated[number] or not len(known) or others < least_others:
        return None
    own = float(stored.own[number])
    return OpenEvidence(
        evidence=column.reason,
        column=column,
        own=None if np.isnan(own) else own,
        low=float(known.min()),
        high=float(known.max()),
    )


def _values(move: Move, number: int) -> Floats:
    """The options of a move in one of its columns."""
    values: Floats = move.values[:, int(np.flatnonzero(move.columns == number)[0])]
    return values
