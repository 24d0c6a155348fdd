"""What the model would predict for many people under a policy: expected numbers as it is and with it. Prediction, and no effect.

As for one person, a piece of evidence changes as a whole and takes the values of somebody who really has them
(:mod:`perfml.scoring.what_if.support`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from perfml.arrays import Bools, Floats, Objects
from perfml.disclosure.outcomes import withheld_outcomes
from perfml.errors import DefinitionError, PerfmlError, choose_from
from perfml.evidence.columns import Column
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.light_model import LightModel
from perfml.messages import Bilingual, Message
from perfml.project.goals.what_if_spec import EvidenceChange, WhatIfPolicySpec
from perfml.project.spec import DisclosureRules
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.scoring.sealed_files import DamagedFile
from perfml.scoring.what_if.evidence import evidence_path, read_everyone
from perfml.scoring.what_if.prediction import SAME
from perfml.scoring.what_if.record import ExpectedRecord, HorizonExpectedRecord, ShiftRecord, UnitExpectedRecord
from perfml.scoring.what_if.support import LEAST_SHARE, complies, lent, share_in_training


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What was scored at a date."""

    model: str
    version: str
    as_of: dt.date
    probability: Mapping[int, Mapping[str, float]]
    """Horizon in days → employee → probability."""


class BeyondSupport(PerfmlError):
    """A policy beyond what the model has seen; ``text`` says why nothing is predicted."""

    def __init__(self, text: Message) -> None:
        super().__init__("lies beyond what was seen", where="changes", remedy="choose a limit that some already keep")
        self.text = text


def predict_policy(
    home: Path,
    spec: WhatIfPolicySpec,
    scored: Scored,
    *,
    model: LightModel,
    record: TrainingRecord,
    people: Mapping[str, PersonFacts],
    rules: DisclosureRules,
) -> tuple[tuple[ShiftRecord, ...], tuple[HorizonExpectedRecord, ...]]:
    """What each change concerns, and the expected numbers within each horizon.

    Raises :class:`BeyondSupport` for a limit that hardly anybody keeps, :class:`DefinitionError` for a column that the model does
    not use, and :class:`DamagedFile` for files at odds.
    """
    names = [column.name for column in model.columns]
    ids, values = read_everyone(home, model=scored.model, version=scored.version, as_of=scored.as_of, columns=names)
    shown = scored.probability[min(scored.probability)]
    rows = np.array([number for number, person in enumerate(ids) if person in shown], dtype=np.int64)
    facts = [facts_of(people, ids[number]) for number in rows]
    before, meant = values[rows], np.array([_meant(spec, each) for each in facts], dtype=bool)
    after, touched, shifts = before, np.zeros(len(rows), dtype=bool), []
    for change in spec.changes:
        number = _number(change, names)
        after, concerned = _change(change, after, number=number, model=model, meant=meant, record=record)
        touched |= concerned
        shifts.append(_shift(change, model.columns[number], after[:, number], meant, concerned, rules))
    departments = [each.department for each in facts]
    whose = np.array([ids[number] for number in rows], dtype=object)
    horizons = []
    for days, expected in scored.probability.items():
        ours = model.probabilities(before, days)
        if len(ours) and np.abs(ours - [expected.get(person, np.nan) for person in whose]).max() > SAME:
            raise DamagedFile(evidence_path(home, scored.model, scored.as_of), Message.of("file_earlier"))
        changed = ours.copy()
        if touched.any():
            changed[touched] = model.probabilities(after[touched], days)
        groups = _groups(departments, ours, changed, meant=meant, touched=touched, whose=whose, rules=rules)
        horizons.append(HorizonExpectedRecord(horizon_days=days, whole=groups[0], departments=groups[1]))
    return tuple(shifts), tuple(horizons)


def _change(
    change: EvidenceChange, values: Floats, *, number: int, model: LightModel, meant: Bools, record: TrainingRecord
) -> tuple[Floats, Bools]:
    """The rows with ``change``, and whose they are."""
    column = model.columns[number]
    own, known = values[:, number], ~np.isnan(values[:, number])
    keeps = known & complies(change, own)
    shares = [float(keeps.sum()) / max(int(known.sum()), 1)]
    shares += [
        share_in_training(change, reference.columns[column.name])
        for reference in record.reference.values()
        if column.name in reference.columns
    ]
    if min(shares) < LEAST_SHARE:
        text = Bilingual(zh=column.zh, en=column.en)
        raise BeyondSupport(Message.of("policy_beyond", column=text, limit=change.limit, share=min(shares)))
    concerned = meant & known & ~keeps
    columns = [at for at, each in enumerate(model.columns) if each.reason == column.reason]
    return (
        lent(values, number=number, columns=columns, concerned=concerned, lenders=keeps, limit=change.limit),
        concerned,
    )


def _shift(
    change: EvidenceChange, column: Column, values: Floats, meant: Bools, concerned: Bools, rules: DisclosureRules
) -> ShiftRecord:
    enough = int(concerned.sum()) > rules.min_others
    return ShiftRecord(
        column=column.name,
        en=column.en,
        zh=column.zh,
        unit=column.unit,
        limit=change.limit,
        taken=float(values[concerned].mean()) if enough else None,
        unknown=int((meant & np.isnan(values)).sum()),
    )


def _groups(
    departments: Sequence[str | None],
    before: Floats,
    after: Floats,
    *,
    meant: Bools,
    touched: Bools,
    whose: Objects,
    rules: DisclosureRules,
) -> tuple[ExpectedRecord, tuple[UnitExpectedRecord, ...]]:
    """The expected numbers of all whom the policy means and of their departments, those of few people withheld."""
    units = [department for department, each in zip(departments, meant, strict=True) if each]
    before, after, touched, whose = before[meant], after[meant], touched[meant], whose[meant]
    names = sorted(set(units), key=lambda name: (name is None, name or ""))
    member = np.array([[unit == name for unit in units] for name in names], dtype=bool).reshape(len(names), len(units))
    causes = withheld_outcomes(member, label=touched.astype(np.float64), person=whose, rules=rules)
    few = 0 < int(touched.sum()) <= rules.min_others
    whole = _expected(np.ones(len(units), dtype=bool), before, after, touched)
    if few:
        whole = {"people": len(units), "withheld": "few people"}
        causes = tuple("few people" for _ in causes)
    return ExpectedRecord.model_validate(whole), tuple(
        UnitExpectedRecord.model_validate(
            {"department": name}
            | (
                _expected(inside, before, after, touched)
                if why is None
                else {"people": int(inside.sum()), "withheld": why}
            )
        )
        for name, inside, why in zip(names, member, causes, strict=True)
    )


def _expected(inside: Bools, before: Floats, after: Floats, touched: Bools) -> dict[str, object]:
    return {
        "people": int(inside.sum()),
        "concerned": int((inside & touched).sum()),
        "before": float(before[inside].sum()),
        "after": float(after[inside].sum()),
    }


def _meant(spec: WhatIfPolicySpec, facts: PersonFacts) -> bool:
    chosen = (
        (spec.whom.departments, facts.department),
        (spec.whom.locations, facts.location),
        (spec.whom.role_families, facts.role_family),
    )
    return all(not wanted or own in wanted for wanted, own in chosen)


def _number(change: EvidenceChange, names: Sequence[str]) -> int:
    if change.column not in names:
        raise DefinitionError(
            f"the model does not use {change.column!r}",
            where="changes",
            remedy=choose_from(get_close_matches(change.column, names, n=5, cutoff=0), instead_of=change.column),
        )
    return names.index(change.column)
