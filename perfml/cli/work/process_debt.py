"""The command of what processes owe."""

from __future__ import annotations

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import DataOption, HomeOption, JsonOption, OneDateOption, ProjectOption, print_json
from perfml.terminal.work.process_debt import process_debt_json, process_debt_table


def process_debt(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what processes owe to people: feedback, a word about a goal, rest, a review; by process, department and manager."""
    with terminal.progress() as progress:
        opened = Project(project, home=home, progress=progress)
        report = opened.process_debt(data, as_of=as_of)
    rules = opened.folder.spec.disclosure
    if as_json:
        print_json(process_debt_json(report, rules))
    else:
        process_debt_table(report, rules)
