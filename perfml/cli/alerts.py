"""The commands of alerts: look, take care of one, and what the rules would have been worth."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.advice import PolicyOption
from perfml.cli.deliveries import ByOption
from perfml.cli.options import (
    DataOption,
    EveryOption,
    HomeOption,
    JsonOption,
    LanguageName,
    LanguageOption,
    OneDateOption,
    ProjectOption,
    UntilOption,
    every_of,
    print_json,
)
from perfml.terminal.trust import alerts as tables

alerts = typer.Typer(name="alerts", help="Rules that speak early: who was told what, and who takes care of it.")


@alerts.callback(invoke_without_command=True)
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
    """Look with the rules of models/alerts.toml: tell what is new, escalate what nobody takes care of, list what is open."""
    if context.invoked_subcommand is not None:
        return
    with terminal.progress() as progress:
        report = Project(project, home=home, progress=progress).alerts(data, as_of=as_of, policy=policy)
    print_json(report.to_json()) if as_json else tables.alerts_table(report, language.value)


@alerts.command()
def acknowledge(
    alert: str,
    *,
    by: ByOption = "",
    note: Annotated[str, typer.Option("--note", help="What is being done.")] = "",
    today: Annotated[str | None, typer.Option("--today", help="Date, YYYY-MM-DD (default: the clock's).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that you take care of an alert, so that nobody else is told."""
    taken = Project(project, home=home).acknowledge_alert(alert, by=by, note=note, today=today)
    if as_json:
        print_json(taken.to_json())
        return
    line = f"{alert}: {by} takes care of it · {by} 已确认跟进"
    terminal.out.print(escape(line), highlight=False)


@alerts.command()
def backtest(
    *,
    data: DataOption = None,
    until: UntilOption = None,
    every: EveryOption = None,
    policy: PolicyOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how early each rule would have spoken before the outcome, and how often for nothing, at past dates (every week)."""
    with terminal.progress() as progress:
        opened = Project(project, progress=progress)
        tested = opened.backtest_alerts(data, until=until, every=every_of(every or "week"), policy=policy)
    print_json(tested.to_json()) if as_json else tables.backtest_table(tested, language.value)
