"""The verb of metrics that mislead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfml.api.shared import GivenData
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day
from perfml.project.goals.indicators_spec import IndicatorsSpec

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.goals.indicators.record import IndicatorsRecord


def indicators(
    project: Project, data: GivenData | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> IndicatorsRecord:
    """Whether each metric of goals that ended before ``as_of`` (default: the end of the record) tells anything of what it serves,
    and which recorded measure moves with parent goals and stands in nobody's goals. By ``models/indicators.toml``.

    A metric is *saturated*, *heaped* at its target, made at the *deadline*, or *contradictory* to what it serves. All of it is
    association by rank, within period and place, adjusted for everything that was looked at; where too little is known, a metric
    is insufficient. What is said is of metrics and names nobody; it is kept for the service.
    """
    from perfml.goals.indicators.files import keep_indicators
    from perfml.goals.indicators.judging import judge_indicators

    _, spec = project.folder.policy_of(IndicatorsSpec, policy)
    with project.open(data) as opened:
        record = judge_indicators(opened, spec, as_of_day(opened, as_of), progress=project.progress)
    keep_indicators(record, project.home)
    return record
