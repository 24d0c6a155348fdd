"""The verb of milestones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from perfml.api.shared import GivenData, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day
from perfml.json_types import JsonObject
from perfml.project.goals.milestones_spec import MilestonesSpec

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.goals.milestones.report import MilestonesReport


def milestones(
    project: Project, data: GivenData | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> MilestonesReport:
    """The milestones of goals in their period at ``as_of`` (default: the end of the record), by ``models/milestones.toml``: when
    each will be finished, with an 80 % interval; late work told apart from late marking; and what begins later because of what
    it waits for. Kept under ``home`` for the service.

    Without the table ``milestones`` a notice says so. People who are held or opted out are not in it.
    """
    from perfml.goals.milestones.report import milestones_at
    from perfml.goals.milestones.rows import keep_milestones
    from perfml.scoring.replay import recorder

    _, spec = project.folder.policy_of(MilestonesSpec, policy)
    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        held = held_at(project, opened, day)
        report = milestones_at(opened, spec, day, held=held)
        keep_who_is_who(project, opened, day)
        record = recorder(project.home, data=opened, folder=project.folder, held={day: held})(day)
    keep_milestones(report, project.home, record=cast(JsonObject, record))
    seen(project, f"milestones {day}", people_of(report.table))
    return report
