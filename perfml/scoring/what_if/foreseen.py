"""The record of a policy at a date: the prediction from what is kept beside the scores, or why there is none, and effects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from perfml.dates import date_of
from perfml.learning.effects.record import EffectRecord
from perfml.learning.registry.artifacts import read_record
from perfml.learning.registry.light_model import load_light
from perfml.messages import Message
from perfml.project.goals.what_if_spec import WhatIfPolicySpec
from perfml.project.spec import DisclosureRules
from perfml.scoring.people.files import people_facts
from perfml.scoring.score_files import NoScore, read_scores, score_file
from perfml.scoring.what_if.many import BeyondSupport, Scored, predict_policy
from perfml.scoring.what_if.record import PolicyRecord

NOTE = Message.of("policy_note")


def foresee(
    home: Path,
    policy: str,
    spec: WhatIfPolicySpec,
    *,
    as_of: dt.date | None,
    rules: DisclosureRules,
    effects: Sequence[EffectRecord] = (),
    effects_as_of: dt.date | None = None,
) -> PolicyRecord:
    """Predict for everyone scored at ``as_of`` (default: the newest scored date), and keep ``effects`` with it.

    Raises :class:`NoScore` where nothing was scored and nothing is known of effects either, and
    :class:`~perfml.scoring.sealed_files.DamagedFile` for files at odds.
    """
    scored: Scored | None = None
    refused = Message.of("policy_nothing_changes")
    if spec.changes:
        try:
            scored = _scored(home, spec.model, as_of)
        except NoScore:
            if effects_as_of is None:
                raise
            refused = Message.of("policy_not_scored", model=spec.model, day=str(as_of or effects_as_of))
    day = scored.as_of if scored else as_of or effects_as_of
    if day is None:
        day = date_of(score_file(home, spec.model).stem)
    record = PolicyRecord(
        policy=policy,
        en=spec.en,
        zh=spec.zh,
        as_of=day,
        model=spec.model,
        refused=refused,
        effects=tuple(effects),
        effects_as_of=effects_as_of,
        note=NOTE,
    )
    if scored is None:
        return record
    try:
        shifts, horizons = predict_policy(
            home,
            spec,
            scored,
            model=load_light(home, spec.model, scored.version),
            record=read_record(home, spec.model, scored.version),
            people=people_facts(home, scored.as_of),
            rules=rules,
        )
    except BeyondSupport as error:
        return record.model_copy(update={"refused": error.text})
    predicted = {"model_version": scored.version, "shifts": shifts, "horizons": horizons, "refused": None}
    return record.model_copy(update=predicted)


def _scored(home: Path, model: str, as_of: dt.date | None) -> Scored:
    """The probabilities of a date, without people who are withheld now."""
    path = score_file(home, model, as_of)
    rows = [row for row in read_scores(path).to_pylist() if row["status"] == "scored"]
    if not rows:
        raise NoScore("nobody has a score", where=str(path), remedy=f"see `perfml score {model}`")
    horizons = sorted({row["horizon_days"] for row in rows})
    probability = {
        days: {row["employee_id"]: row["probability"] for row in rows if row["horizon_days"] == days}
        for days in horizons
    }
    return Scored(model=model, version=rows[0]["model_version"], as_of=rows[0]["as_of"], probability=probability)
