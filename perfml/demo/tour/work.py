"""From people to the work: what the demonstration company has for it, what is looked at, and where a visitor reads it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perfml.api import Project
from perfml.demo.planted.indicators import plant_indicators
from perfml.demo.planted.milestones import plant_milestones
from perfml.demo.planted.network import plant_network
from perfml.demo.planted.openings import plant_openings
from perfml.evidence.sources import Data
from perfml.goals.indicators.record import IndicatorsRecord
from perfml.goals.milestones.rows import MilestoneRow
from perfml.goals.report import GoalsReport
from perfml.scoring.what_if.record import PolicyRecord

POLICY = "feedback_rhythm"
Persona = Literal["hr", "manager", "employee"]
PERSONAS: tuple[Persona, ...] = ("hr", "manager", "employee")


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A page of the tour: as whom it is read, where, and in one sentence what stands on it."""

    persona: Persona
    address: str
    text: str


LookAt = Callable[[Project, Data, dt.date], Sequence[Stop]]
"""Looks at a part of the work as of a date."""


def plant_work(data: Path, *, seed: int, end: dt.date) -> None:
    """Add to the tables in the folder ``data``: metrics that mislead, people outside the feedback network and units that never
    speak, milestones, openings and who asked for them."""
    plant_indicators(data, seed=seed)
    plant_network(data, seed=seed)
    plant_milestones(data, seed=seed, end=end)
    plant_openings(data, seed=seed, end=end)


def look_at_goals(project: Project, data: Data, *, goals: GoalsReport) -> list[Stop]:
    """Look at milestones and lines at the date of ``goals``; keep what a page shows of them."""
    milestones = project.milestones(data, as_of=goals.as_of).rows
    project.lines(data, as_of=goals.as_of)
    return [
        Stop(persona="hr", address="/targets", text=_tree(goals)),
        Stop(persona="manager", address="/ahead", text=_milestones(milestones)),
    ]


def look_at_measures(project: Project, data: Data, as_of: dt.date) -> list[Stop]:
    """Look at indicators and at the feedback network; keep what a page shows of them."""
    indicators = project.indicators(data, as_of=as_of)
    outside = [row for row in project.feedback_network(data, as_of=as_of).people if row.outside]
    return [
        Stop(persona="hr", address="/indicators", text=_indicators(indicators)),
        Stop(
            persona="hr",
            address="/feedback-network",
            text=f"Feedback network: {len(outside)} people are outside it for longer than chance explains.",
        ),
    ]


def look_at_openings(project: Project, data: Data, as_of: dt.date) -> list[Stop]:
    """Look at who asked to be considered for an opening; keep what a page shows of it."""
    asked = project.prepare_exports(data, as_of)["eligibility"]
    return [
        Stop(
            persona="employee",
            address="/me/ahead",
            text="Own goals and openings: milestones, how far each line is, and for those who wish to move (here"
            f' {asked} wishes) eligible or "not yet, because …", which no manager reads.',
        )
    ]


WITHOUT_SCORES: tuple[LookAt, ...] = (look_at_measures, look_at_openings)
"""What can be looked at before anybody is scored."""


def look_at_risks(project: Project, data: Data, as_of: dt.date) -> list[Stop]:
    """Look at what scores say of the work, process debt and a policy; keep what a page shows of it."""
    owed = {row.employee_id for row in project.process_debt(data, as_of=as_of).rows if row.owed}
    return [
        Stop(persona="hr", address="/hr/policies", text=_policy(project.what_if_policy(POLICY, data, as_of=as_of))),
        Stop(
            persona="manager",
            address="/process-debt",
            text=f"Process debt: {len(owed)} people of the company are owed feedback, a word about a goal, rest or a review;"
            " a manager reads those of the own line.",
        ),
    ]


def _tree(goals: GoalsReport) -> str:
    statuses = Counter(goals.paths.column("status").to_pylist())
    return (
        f"Goal tree: {statuses['aligned']:,} of {goals.paths.num_rows:,} goals reach a company goal, and"
        f" {len(goals.flags.silos)} that need several departments lack one."
    )


def _indicators(record: IndicatorsRecord) -> str:
    misleading = [each.metric for each in record.metrics if each.verdict == "misleads"]
    named = f" ({', '.join(misleading)})" if misleading else ""
    return (
        f"Indicators that mislead: {len(misleading)} of {len(record.metrics)}{named}; of {record.looked_at} recorded measures"
        f" {len(record.missing)} move with a goal above and stand in nobody's goals."
    )


def _milestones(rows: Sequence[MilestoneRow]) -> str:
    statuses = Counter(row.status for row in rows)
    return (
        f"Milestones: in the company {statuses['late_work']} are late, {statuses['late_marking']} were only marked late and"
        f" {statuses['running']} are running; a manager reads those of the own line."
    )


def _policy(record: PolicyRecord) -> str:
    whole = record.horizons[0].whole if record.horizons else None
    if whole is None or whole.before is None or whole.after is None:
        return "What a policy would change: nothing is predicted here, and the page says why."
    days = record.horizons[0].horizon_days
    return (
        f"What a policy would change, {record.en.lower()}: of {whole.people} people {whole.before:.1f} are expected to have the"
        f" outcome of {record.model} within {days} days as it is and {whole.after:.1f} with it, a prediction and no effect."
    )
