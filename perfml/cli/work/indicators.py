"""The command of metrics that mislead."""

from __future__ import annotations

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import DataOption, HomeOption, JsonOption, OneDateOption, ProjectOption, print_json
from perfml.terminal.work.indicators import indicators_table


def indicators(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which metrics of goals mislead, and which recorded measure moves with goals and stands in nobody's."""
    with terminal.progress() as progress:
        record = Project(project, home=home, progress=progress).indicators(data, as_of=as_of)
    if as_json:
        print_json(record.model_dump(mode="json"))
    else:
        indicators_table(record)
