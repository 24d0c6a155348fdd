"""The verbs of advice, of which nothing applies by itself: targets, courses, priorities, decisions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa

from perfml.api.shared import DataLocation, GivenData, date_or_none, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike
from perfml.errors import PerfmlError
from perfml.evidence.record_end import as_of_day, until_day
from perfml.project.course_policy import CoursePolicy
from perfml.project.target_policy import TargetPolicy
from perfml.project.voices import Reader, Who

if TYPE_CHECKING:
    from perfml.advice.decision_log import Decision, DecisionVerdict, Intervention
    from perfml.advice.person import PersonForHr, SharedPerson
    from perfml.advice.priorities import Priorities
    from perfml.advice.targets.backtest import TargetBacktest
    from perfml.advice.targets.escalations import Escalation
    from perfml.api import Project


def targets(
    project: Project, data: GivenData | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> pa.Table:
    """Each goal in force at ``as_of`` (default: the end of the record) with its forecast and a suggestion inside the policy,
    or why there is none; see ``perfml.advice.targets.suggestion_rows.SCHEMA``. Kept under ``home`` for the service."""
    name, _ = project.folder.policy_of(TargetPolicy, policy)
    return _suggest(project, name, data, as_of=as_of)


def escalations(
    project: Project, *, as_of: DateLike | None = None, policy: str | None = None
) -> tuple[Escalation, ...]:
    """The cases beyond a target policy at a date with kept suggestions (default: the newest), the most people first.

    Raises :class:`PerfmlError` where there are none of that date.
    """
    from perfml.advice.suggestion_files import read_suggestions, suggestion_file
    from perfml.advice.targets.escalations import escalations

    name, _ = project.folder.policy_of(TargetPolicy, policy)
    _, path = suggestion_file(project.home, name, date_or_none(as_of))
    return escalations(read_suggestions(path).to_pylist())


def backtest_targets(
    project: Project, policy: str, data: DataLocation | None = None, *, until: DateLike | None = None
) -> TargetBacktest:
    """The forecasts and suggestions of a target policy at past dates, beside seasonal-naive."""
    from perfml.advice.targets.backtest import backtest
    from perfml.advice.targets.suggest import suggest

    _, spec = project.folder.policy_of(TargetPolicy, policy)
    with project.open(data) as opened:
        return backtest(
            opened,
            spec,
            until=until_day(opened, until),
            suggest=lambda day: suggest(opened, spec, day),
            progress=project.progress,
        )


def courses(
    project: Project,
    data: GivenData | None = None,
    *,
    as_of: DateLike | None = None,
    employees: Sequence[str] | None = None,
    policy: str | None = None,
) -> pa.Table:
    """The courses for the gaps of ``employees`` (default: everyone) as known at ``as_of``, or why there is none; see
    ``perfml.advice.courses.match.SCHEMA``. Suggestions for everyone are kept under ``home``, where the service reads."""
    name, _ = project.folder.policy_of(CoursePolicy, policy)
    return _suggest(project, name, data, as_of=as_of, employees=employees)


def priorities(
    project: Project,
    model: str,
    *,
    capacity: int | None = None,
    settings: int | None = None,
    as_of: DateLike | None = None,
    horizon_days: int | None = None,
    hold_out_share: float = 0.0,
    wasted_at_most: float | None = None,
) -> Priorities:
    """The people to talk to first, by the scores of ``model`` (default: the newest date, the shortest horizon).

    ``capacity``: how many people there is time for (default: the model's own list); ``settings``: the most people whose setting
    needs support; ``wasted_at_most``: the largest share of conversations that may go to people without the outcome, then as
    many people of the capacity as it allows are listed, or nobody (``guarantee`` says why). Raises :class:`PerfmlError` where
    nothing was scored.
    """
    from perfml.advice.work_list import work_list

    listed = work_list(
        project.home,
        model,
        project.folder.model(model).list,
        as_of=date_or_none(as_of),
        capacity=capacity,
        settings=settings,
        horizon_days=horizon_days,
        hold_out_share=hold_out_share,
        wasted_at_most=wasted_at_most,
    )
    seen(project, f"priorities {model}/{listed.as_of}", listed.names)
    return listed


@overload
def person(
    project: Project, employee_id: str, *, as_of: DateLike | None = None, voice: Literal["hr"] = "hr"
) -> PersonForHr: ...


@overload
def person(project: Project, employee_id: str, *, as_of: DateLike | None = None, voice: Reader) -> SharedPerson: ...


def person(project: Project, employee_id: str, *, as_of: DateLike | None = None, voice: Who = "hr") -> SharedPerson:
    """One person in one answer: risk, its reasons, whose they are, and the courses, targets and offers that are kept.

    For ``voice`` manager or employee there is no probability, rank, band or name. Raises :class:`PerfmlError` where
    nothing is kept of the person.
    """
    from perfml.advice.person import person

    bundle = person(project.home, employee_id, voice=voice, as_of=date_or_none(as_of))
    seen(project, "person", [employee_id])
    return bundle


def decide(
    project: Project, suggestion_id: str, verdict: DecisionVerdict, *, by: str, reason: str = "", key: str | None = None
) -> Decision:
    """Store that ``by`` accepts or refuses a suggestion; only people apply it.

    The same decision under the same ``key`` (default: a new key) is stored once. Raises :class:`PerfmlError` for an
    unknown suggestion, and for a refusal without a reason.
    """
    from perfml.advice.decision_log import Decision, DecisionLog
    from perfml.advice.suggestion_files import find_suggestion

    if find_suggestion(project.home, suggestion_id) is None:
        raise PerfmlError(
            "there is no such suggestion",
            where=repr(suggestion_id),
            remedy="take an id that `perfml targets` or `perfml courses` gave",
        )
    decision = Decision(suggestion_id=suggestion_id, verdict=verdict, decided_by=by, reason=reason)
    return DecisionLog(project.home).decide(decision, key=key or str(uuid.uuid4()))


def log(project: Project, interventions: Sequence[Intervention], *, key: str | None = None) -> list[Intervention]:
    """Store who was offered help, and its outcome: all of ``interventions`` or, where one contradicts itself, none.

    Raises :class:`PerfmlError` for a person of whom nothing is kept.
    """
    from perfml.advice.decision_log import DecisionLog
    from perfml.scoring.people.known import unknown_people

    unknown = unknown_people(project.home, {entry.employee_id for entry in interventions})
    if unknown:
        raise PerfmlError(
            "is nobody of whom anything is kept here",
            where=f"employee_id {min(unknown)!r}",
            remedy="check the id; people are known once a date has been scored or advised",
        )
    return DecisionLog(project.home).log(interventions, key=key or str(uuid.uuid4()))


def _suggest(
    project: Project,
    policy: str,
    data: GivenData | None,
    *,
    as_of: DateLike | None,
    employees: Sequence[str] | None = None,
) -> pa.Table:
    """The suggestions of ``policy``; those for everyone are kept with the record of their run."""
    from perfml.advice.decision_log import DecisionLog
    from perfml.advice.suggesting import suggestions_at
    from perfml.advice.suggestion_files import keep_suggestions, read_suggestions
    from perfml.scoring.replay import recorder

    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        held, refused = held_at(project, opened, day), DecisionLog(project.home).refused()
        suggestions = suggestions_at(
            opened,
            project.folder,
            policy,
            day,
            held=held,
            refused=refused,
            employees=employees,
            progress=project.progress,
        )
        keep_who_is_who(project, opened, day)
        if employees is None:
            record = recorder(project.home, data=opened, folder=project.folder, held={day: held})(day)
            record["refused"] = sorted(refused)
            path = keep_suggestions(suggestions, project.home, policy=policy, as_of=day, record=record)
            suggestions = read_suggestions(path)
    seen(project, f"suggestions {policy}/{day}", people_of(suggestions))
    return suggestions
