"""The verbs of goals as a whole: the tree, and sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfml.api.shared import GivenData, date_or_none, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day
from perfml.project.target_policy import TargetPolicy

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.goals.report import GoalsReport


def goals(
    project: Project, data: GivenData | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> GoalsReport:
    """The goals in force at ``as_of`` (default: the end of the record) as a whole: which serves which company goal or where the
    path breaks, who works on what, silo flags, and forecasts as sums with intervals. Kept under ``home`` for the service.

    ``policy``: the target policy whose forecasts are used. People who are held are in no sum.
    """
    from perfml.goals.files import keep_goals
    from perfml.goals.report import report_goals
    from perfml.scoring.replay import recorder

    _, spec = project.folder.policy_of(TargetPolicy, policy)
    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        held = held_at(project, opened, day)
        report = report_goals(opened, spec, day, held=held, progress=project.progress)
        keep_who_is_who(project, opened, day)
        record = recorder(project.home, data=opened, folder=project.folder, held={day: held})(day)
        keep_goals(report, project.home, record=record)
    seen(project, f"goals {day}", people_of(report.paths))
    return report


def kept_goals(project: Project, *, as_of: DateLike | None = None) -> GoalsReport:
    """What :func:`goals` kept of a date (default: the newest), blank where somebody is held since, who is in no sum either.

    Raises :class:`PerfmlError` where nothing is kept of that date.
    """
    from perfml.goals.files import goals_file, kept_flags, kept_rows
    from perfml.goals.report import GoalsReport
    from perfml.goals.sums.added_again import added_again
    from perfml.scoring.people.files import people_facts

    day, path = goals_file(project.home, "paths", date_or_none(as_of))
    paths, alignment, sums = (kept_rows(project.home, part, day)[1] for part in ("paths", "alignment", "sums"))
    managers = {person: facts.manager_id for person, facts in people_facts(project.home, day).items()}
    report = GoalsReport(
        as_of=day, paths=paths, alignment=alignment, sums=added_again(sums, managers), flags=kept_flags(path)
    )
    seen(project, f"goals {day}", people_of(report.paths))
    return report
