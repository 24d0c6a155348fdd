"""Suggestion files: one Parquet file a policy and as-of date under ``home``, written whole, read by the service.

In plain Python and pyarrow: pyarrow's own comparisons import pandas, which a process that serves rows does not need.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, cast

import pyarrow as pa

from perfml.dated_files import dates_in, pick
from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.scoring.run_record import RunRecord
from perfml.scoring.sealed_files import DamagedFile, open_sealed, write_sealed
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding


class StoredLine(TypedDict):
    """One piece of evidence in both languages."""

    what: str
    zh: str
    en: str


class SignalLine(StoredLine):
    """A piece of evidence about a goal."""

    value: float | None


class RuleLine(TypedDict):
    """One limit of a policy, and whether it is binding."""

    rule: str
    binding: bool
    zh: str
    en: str


class SuggestionKey(TypedDict):
    """What every stored suggestion tells: its id, its policy, its date and its person."""

    suggestion_id: str
    policy: str
    policy_version: str
    as_of: dt.date
    employee_id: str


class BeyondFigures(TypedDict):
    """What the policy's limits do to a goal that they do not bring into reach, and the case that it belongs to."""

    escalation_id: str
    needed_target: float
    limit_percent: float
    limit_target: float
    probability_at_limit: float
    decided_by_zh: str
    decided_by_en: str


class GoalRow(SuggestionKey):
    """A goal in force."""

    goal_id: str
    parent_goal_id: str | None
    metric: str
    scope: str | None
    core: bool
    period_end: dt.date
    actual: float | None
    gone: float | None
    beyond: BeyondFigures | None
    rules: list[RuleLine]
    evidence: list[SignalLine]


class AssessedGoal(GoalRow):
    """A goal whose final is forecast."""

    old_target: float
    old_weight: float
    expected: float
    low: float
    high: float
    probability_before: float
    parts: dict[str, float]


class SuggestedTarget(AssessedGoal):
    """A goal with a suggestion."""

    status: Literal["suggested"]
    lever: Literal["target", "weight", "both"]
    new_target: float
    new_weight: float
    probability_after: float
    zh: str
    en: str
    why_not_zh: None
    why_not_en: None


class BeyondTarget(AssessedGoal):
    """A goal that no permitted change brings into reach."""

    status: Literal["beyond"]
    lever: None
    new_target: None
    new_weight: None
    probability_after: None
    zh: None
    en: None
    why_not_zh: str
    why_not_en: str


class UnchangedTarget(GoalRow):
    """A goal without a suggestion; numbers are null where they cannot be known or may not be shown."""

    status: Literal["fits", "none", "error", "held", "outside"]
    lever: None
    old_target: float | None
    new_target: None
    old_weight: float | None
    new_weight: None
    expected: float | None
    low: float | None
    high: float | None
    probability_before: float | None
    probability_after: None
    parts: dict[str, float] | None
    zh: str | None
    en: str | None
    why_not_zh: str | None
    why_not_en: str | None


StoredTarget: TypeAlias = SuggestedTarget | BeyondTarget | UnchangedTarget
"""A row of ``perfml.advice.targets.suggestion_rows.SCHEMA``."""


class SuggestedCourse(SuggestionKey):
    """A course for a person's gap."""

    status: Literal["suggested"]
    tag: str
    skill: str | None
    tag_source: str
    quote: str | None
    review_id: str | None
    noted_on: dt.date
    course_id: str
    title: str
    rank: int
    score: float
    skill_taught: str | None
    step: Literal["main", "prerequisite"]
    hours: float | None
    level: int | None
    language: str | None
    why: list[StoredLine]
    zh: str
    en: str
    why_not_zh: None
    why_not_en: None


class NoCourse(SuggestionKey):
    """A gap, or a person, without a course."""

    status: Literal["none", "held", "outside"]
    tag: str | None
    skill: str | None
    why_not_zh: str
    why_not_en: str


StoredCourse: TypeAlias = SuggestedCourse | NoCourse
"""A row of ``perfml.advice.courses.match.SCHEMA``; the other columns of a :class:`NoCourse` are seldom read."""


def keep_suggestions(
    table: pa.Table, home: Path, *, policy: str, as_of: dt.date, record: RunRecord | None = None
) -> Path:
    """Write the suggestions of a policy at a date with the ``record`` of their run, in place of those of an earlier run."""
    address = f"suggestions/{policy}/{as_of}.parquet"
    made_from = None if record is None else cast(JsonObject, record)
    return write_sealed([table], home, address, record=made_from, keep_earlier=True)


def read_suggestions(path: Path) -> pa.Table:
    """The rows of a file of suggestions, blank where they are held. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    return withholding(path).table(read_rows(path))


def suggestion_dates(home: Path, policy: str) -> list[dt.date]:
    """The dates for which suggestions of the policy are stored, newest first."""
    return dates_in(home / "suggestions" / policy)


def suggestion_file(home: Path, policy: str, as_of: dt.date | None = None) -> tuple[dt.date, Path]:
    """The date (default: the newest) and its file. Raises :class:`PerfmlError` where none is stored."""
    dates = suggestion_dates(home, policy)
    day = pick(dates, as_of)
    if day is None:
        raise PerfmlError(
            f"has no suggestions{f' of {as_of}' if as_of else ''}",
            where=policy,
            remedy=f"use one of: {', '.join(map(str, dates[:5]))}"
            if dates
            else "make some with `perfml targets` or `perfml courses`",
        )
    return day, home / "suggestions" / policy / f"{day}.parquet"


def find_suggestion(home: Path, suggestion_id: str) -> StoredTarget | StoredCourse | None:
    """The newest stored row of this id, of any policy; a case beyond a target policy is any row of it.

    A damaged file hides its own rows alone: it is an error where no other file has the id.
    """
    folder, damages = home / "suggestions", list[DamagedFile]()
    for policy in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []:
        for day in suggestion_dates(home, policy):
            try:
                stored = _row_of(folder / policy / f"{day}.parquet", suggestion_id)
            except DamagedFile as error:
                damages.append(error)
                continue
            if stored is not None:
                return stored
    if damages:
        raise damages[0]
    return None


def _row_of(path: Path, suggestion_id: str) -> StoredTarget | StoredCourse | None:
    with open_sealed(path) as sealed:
        file = sealed.file
        names = [name for name in ("suggestion_id", "beyond") if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, names, use_threads=False).to_pylist()
            for position, row in enumerate(ids):
                if suggestion_id in (row["suggestion_id"], (row.get("beyond") or {}).get("escalation_id")):
                    rows = file.read_row_group(group, use_threads=False)
                    stored: StoredTarget | StoredCourse = rows.slice(position, 1).to_pylist()[0]
                    return stored
    return None
