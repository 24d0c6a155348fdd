"""Suggestions: one row per goal in force, with a new target or weight inside the policy, or the reason for none.

Nothing applies by itself. A suggestion does not depend on how far somebody falls behind by their own effort: the need of a goal
is measured as if its owner worked at the habitual level (``decomposition.Parts.effort``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.targets.decomposition import GoalAssessment, Outlook, assess
from perfml.advice.targets.forecasting.forecast import forecast
from perfml.advice.targets.ledger import begun_after, habitual_attainment, in_force, is_measured, newest_signals
from perfml.advice.targets.programme import Proposal, propose
from perfml.advice.targets.suggestion_rows import CHANGED, SCHEMA, SuggestionRows, changed
from perfml.arrays import Bools, Floats
from perfml.evidence.population.membership import outsiders
from perfml.evidence.sources import Data
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy


def suggest(
    data: Data,
    policy: TargetPolicy,
    as_of: dt.date,
    *,
    name: str = "target_adjustment",
    forecasts: Outlook | None = None,
    held: Mapping[str, Message] | None = None,
    refused: frozenset[str] = frozenset(),
    progress: Progress = SILENT,
) -> pa.Table:
    """Suggest changes under ``policy`` (called ``name``) at ``as_of``, ordered by employee and goal; see :data:`SCHEMA`.

    ``forecasts``: those of ``as_of``, computed by default. ``held``: people without numbers -> the cause. ``refused``: ids of
    refused suggestions, which are not repeated in the same window.
    """
    goals = in_force(data, as_of)
    if not len(goals):
        return SCHEMA.empty_table()
    if forecasts is None:
        forecasts = forecast(data, policy, as_of, progress=progress)
    held = held or {}
    outside = outsiders(data, policy.population.where, as_of, file=f"models/{name}.toml")
    case = assess(
        goals,
        forecasts,
        policy,
        held={*outside, *held},
        before=begun_after(data, goals, as_of),
        habit=habitual_attainment(data, goals, as_of),
    )
    chosen, ids, turned_down, futile = _respecting(case, policy, name=name, as_of=as_of, refused=refused)
    used = [signal.name for signal in forecasts.signals if signal.used]
    suggestions = SuggestionRows(
        case=case,
        proposal=chosen,
        ids=ids,
        turned_down=turned_down,
        futile=futile,
        held=held,
        outside=outside,
        measured=is_measured(data, as_of),
        used=used,
        signals=newest_signals(data, as_of, used),
        policy=policy,
        name=name,
        as_of=as_of,
    ).table()
    progress("suggesting targets", len(suggestions), len(suggestions))
    return suggestions


def _respecting(
    case: GoalAssessment, policy: TargetPolicy, *, name: str, as_of: dt.date, refused: frozenset[str]
) -> tuple[Proposal, list[str], Bools, Floats]:
    """The proposal without refused and futile changes, the id of each row, which goals would have had a refused suggestion, and
    the target that would not have helped (missing for all others).

    A refused goal stays as it is, and a target stays that would move without helping as things go; everything else is solved
    again around them, so totals and weights still add up.
    """
    turned_down = np.zeros(len(case.goals), dtype=bool)
    futile = np.full(len(case.goals), np.nan)
    may = case.needs.open & policy.is_open(as_of)
    while True:
        wanted = np.where(np.isnan(futile), case.needs.wanted, np.nan)
        needs = replace(case.needs, open=may & ~turned_down, wanted=wanted)
        proposal = propose(case.goals, needs, policy)
        moved = np.abs(proposal.target / case.goals["target"].to_numpy(dtype=np.float64) - 1) > CHANGED
        useless = moved & ~np.isnan(wanted) & ~case.helps(proposal.target)
        if useless.any():
            futile = np.where(useless, proposal.target, futile)
            continue
        ids = _ids(case.goals, proposal, name=name, as_of=as_of)
        again = np.array([row_id in refused for row_id in ids], dtype=bool) & changed(case.goals, proposal)
        if not again.any():
            return _rest_is_effort(case, proposal, policy), ids, turned_down, futile
        turned_down = turned_down | again


def _rest_is_effort(case: GoalAssessment, proposal: Proposal, policy: TargetPolicy) -> Proposal:
    """Mark own effort as the bound where a target meets the need at the habitual effort and the goal is still off the band."""
    after = case.probability(proposal.target)
    off = (after < policy.band.low - 1e-4) | (after > policy.band.high + 1e-4)
    rest = proposal.binding["band"] & off
    both = {"outside": proposal.binding["outside"] | rest, "band": proposal.binding["band"] & ~rest}
    return replace(proposal, binding=proposal.binding | both)


def _ids(goals: pd.DataFrame, proposal: Proposal, *, name: str, as_of: dt.date) -> list[str]:
    share = np.rint(100 * (proposal.target / goals["target"].to_numpy(dtype=np.float64) - 1)).astype(int)
    points = proposal.weight - goals["weight"].to_numpy(dtype=np.float64)
    changes = zip(goals["goal_id"].tolist(), share.tolist(), np.round(points, 3).tolist(), strict=True)
    return [
        hashlib.sha256(f"{name}|{goal}|{as_of:%Y-%m}|{moved}|{shifted + 0:.3f}".encode()).hexdigest()[:16]
        for goal, moved, shifted in changes
    ]
