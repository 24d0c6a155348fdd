"""The commands of goals as a whole: look, and show the tree, alignment and sums that were kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from perfml import terminal
from perfml.api import Project
from perfml.cli.advice import PolicyOption
from perfml.cli.options import (
    DataOption,
    HomeOption,
    JsonOption,
    LanguageName,
    LanguageOption,
    OneDateOption,
    OutOption,
    ProjectOption,
    print_json,
    require_table,
    write,
)
from perfml.goals.tree.alignment import PersonAlignment, by_group
from perfml.terminal.work import goals as tables
from perfml.terminal.work.ahead import lines_json, lines_table, milestones_json, milestones_table

goals = typer.Typer(
    name="goals", help="Which goal serves which company goal, who works on what, and sums of forecasts."
)
KeptDateOption = Annotated[
    str | None, typer.Option("--as-of", help="A date that `perfml goals` looked at (default: the newest).")
]


class GroupOption(StrEnum):
    """Groups of people."""

    department = "department"
    manager = "manager"
    location = "location"
    person = "person"


GROUPS: Mapping[GroupOption, Callable[[PersonAlignment], str | None]] = {
    GroupOption.department: lambda person: person.department,
    GroupOption.manager: lambda person: person.manager_id,
    GroupOption.location: lambda person: person.location,
    GroupOption.person: lambda person: person.employee_id,
}


class LevelOption(StrEnum):
    """Levels of sums."""

    company = "company"
    department = "department"
    line = "line"
    team = "team"
    person = "person"


@goals.callback(invoke_without_command=True)
def look(
    context: typer.Context,
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    policy: PolicyOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the goals in force: paths to company goals, who works on what, and forecasts as sums; keep it for the service."""
    if context.invoked_subcommand is not None:
        return
    with terminal.progress() as progress:
        report = Project(project, home=home, progress=progress).goals(data, as_of=as_of, policy=policy)
    print_json(report.to_json()) if as_json else tables.goals_summary(report, language.value)


@goals.command()
def tree(
    *,
    as_of: KeptDateOption = None,
    out: OutOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show for every goal the path to a company goal, or where it breaks."""
    require_table(out)
    opened = Project(project, home=home)
    report = opened.kept_goals(as_of=as_of)
    write(report.paths, out, opened=opened)
    print_json(report.paths.to_pylist()) if as_json else tables.tree_lines(report, language.value)


@goals.command()
def alignment(
    *,
    by: Annotated[GroupOption, typer.Option("--by", help="department, manager, location or person.")] = (
        GroupOption.department
    ),
    as_of: KeptDateOption = None,
    out: OutOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the share of people's weight that reaches a company goal."""
    require_table(out)
    opened = Project(project, home=home)
    report = opened.kept_goals(as_of=as_of)
    write(report.alignment, out, opened=opened)
    groups = by_group(report.people, GROUPS[by])
    if as_json:
        print_json([{by.value: group, **asdict(means)} for group, means in groups.items()])
    else:
        tables.alignment_table(groups, language.value)


@goals.command()
def sums(
    *,
    level: Annotated[LevelOption, typer.Option("--level", help="company, department, line, team or person.")] = (
        LevelOption.department
    ),
    as_of: KeptDateOption = None,
    out: OutOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show targets, actuals and forecasts as sums, with the interval of the sum."""
    require_table(out)
    opened = Project(project, home=home)
    report = opened.kept_goals(as_of=as_of)
    write(report.sums, out, opened=opened)
    rows = [row for row in report.sums.to_pylist() if row["level"] == level.value]
    print_json(rows) if as_json else tables.sums_table(report, level.value)


@goals.command()
def milestones(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at milestones: when each will be finished, late work apart from late marking, and what waits; keep them."""
    report = Project(project, home=home).milestones(data, as_of=as_of)
    print_json(milestones_json(report)) if as_json else milestones_table(report, language.value)


@goals.command()
def lines(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    policy: PolicyOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at how far everyone is from each line, how likely they cross it, and what it takes a week; keep it for the service."""
    with terminal.progress() as progress:
        report = Project(project, home=home, progress=progress).lines(data, as_of=as_of, policy=policy)
    print_json(lines_json(report)) if as_json else lines_table(report, language.value)
