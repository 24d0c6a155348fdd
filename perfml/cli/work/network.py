"""The command of the feedback network."""

from __future__ import annotations

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import DataOption, HomeOption, JsonOption, OneDateOption, ProjectOption, print_json
from perfml.terminal.work.network import network_json, network_table


def feedback_network(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who is outside the feedback network, one-way streets, units that never speak, and recognition across levels."""
    with terminal.progress() as progress:
        report = Project(project, home=home, progress=progress).feedback_network(data, as_of=as_of)
    if as_json:
        print_json(network_json(report))
    else:
        network_table(report)
