"""The verb of lines that people want to cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from perfml.api.shared import GivenData, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day
from perfml.json_types import JsonObject
from perfml.project.goals.lines_spec import LinesSpec
from perfml.project.target_policy import TargetPolicy

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.goals.lines.report import LinesReport


def lines(
    project: Project, data: GivenData | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> LinesReport:
    """How far everyone is at ``as_of`` (default: the end of the record) from each line of ``models/lines.toml``, such as a target
    or the first ten: the distance now, the probability of crossing it by its day, and what is needed a week. Kept under ``home``.

    ``policy``: the target policy whose forecasts are used. Where a line lies among others is the mean of several people; in small
    groups nothing is said. People who are held or opted out run for no line.
    """
    from perfml.goals.lines.report import lines_at
    from perfml.goals.lines.rows import keep_lines
    from perfml.scoring.replay import recorder

    _, spec = project.folder.policy_of(LinesSpec)
    _, targets = project.folder.policy_of(TargetPolicy, policy)
    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        held = held_at(project, opened, day)
        rules = project.folder.spec.disclosure
        report = lines_at(opened, spec, targets, day, rules=rules, held=held, progress=project.progress)
        keep_who_is_who(project, opened, day)
        record = recorder(project.home, data=opened, folder=project.folder, held={day: held})(day)
    keep_lines(report, project.home, record=cast(JsonObject, record))
    seen(project, f"lines {day}", people_of(report.table))
    return report
