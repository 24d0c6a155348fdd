"""The verb of the feedback network."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from perfml.api.shared import GivenData, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day
from perfml.json_types import JsonObject
from perfml.project.goals.feedback_network_spec import FeedbackNetworkSpec

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.network.report import NetworkReport


def feedback_network(
    project: Project, data: GivenData | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> NetworkReport:
    """Who gives feedback and recognition to whom at ``as_of`` (default: the end of the record), by
    ``models/feedback_network.toml``: people who are outside, one-way streets, units that never speak, recognition across levels.

    All of it is compared with what sizes and activity would give by chance; no text is read. Who is outside and figures of groups
    from which nobody's own can be worked out are kept under ``home`` for the service; who told whom is not. People who are held
    or opted out are not in it.
    """
    from perfml.network.record import keep_network
    from perfml.network.report import network_at
    from perfml.scoring.replay import recorder

    _, spec = project.folder.policy_of(FeedbackNetworkSpec, policy)
    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        held = held_at(project, opened, day)
        report = network_at(opened, spec, day, rules=project.folder.spec.disclosure, held=held)
        keep_who_is_who(project, opened, day)
        record = recorder(project.home, data=opened, folder=project.folder, held={day: held})(day)
    keep_network(report.table, report.figures, project.home, as_of=day, record=cast(JsonObject, record))
    seen(project, f"feedback network {day}", people_of(report.table))
    return report
