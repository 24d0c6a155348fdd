"""The commands of exports: send one or what is due, list what is defined, and what was sent."""

from __future__ import annotations

from typing import Annotated

import typer

from perfml.api import Project
from perfml.cli.options import (
    DataOption,
    HomeOption,
    JsonOption,
    LanguageName,
    LanguageOption,
    OneDateOption,
    ProjectOption,
    day_of,
    print_json,
)
from perfml.errors import PerfmlError
from perfml.terminal.trust import exports as tables

export = typer.Typer(
    name="export", help="Lists for other systems, of serve/exports.toml: sent once, signed, written down."
)


@export.command()
def prepare(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the facts that exports carry: eligibility for openings, settled ratings, the feed of events. No score is read."""
    counts = Project(project, home=home).prepare_exports(data, as_of)
    if as_json:
        print_json(dict(counts))
    else:
        tables.prepared_table(counts)


@export.command()
def run(
    name: Annotated[str | None, typer.Argument(help="An export of serve/exports.toml.")] = None,
    *,
    due: Annotated[bool, typer.Option("--due", help="Whatever its schedule asks for; for a nightly job.")] = False,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Date of the rows (default: the newest).")] = None,
    today: Annotated[str | None, typer.Option("--today", help="Date, YYYY-MM-DD (default: the clock's).")] = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an export and send it, unless its receiver has that content already. Exit code 1: something was not delivered."""
    if (name is None) != due:
        raise PerfmlError(
            "is not clear", where="export run", remedy="name an export, or write --due for what is scheduled"
        )
    opened, failed, sent = Project(project, home=home), [], []
    if name is not None:
        sent = [opened.export(name, None if as_of is None else day_of(as_of, "--as-of"))]
    for each in opened.exports_due(today) if due else ():
        try:
            sent.append(opened.export(each.export, slot=each.slot))
        except PerfmlError as error:  # ends no other export
            failed.append(f"{each.export}: {error}")
    if as_json:
        print_json({"sent": [each.to_json() for each in sent], "failed": failed})
    else:
        tables.run_lines(sent, failed, language.value)
    if failed or any(each.state != "delivered" for each in sent):
        raise typer.Exit(1)


@export.command("list")
def list_exports(
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is defined: rows, form, schedule, receiver, purpose."""
    spec = Project(project).exports()
    print_json(spec.model_dump(mode="json")) if as_json else tables.exports_table(spec, language.value)


@export.command()
def ledger(
    name: Annotated[str | None, typer.Argument(help="Only this export.")] = None,
    *,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was sent where and when, and what came of it."""
    deliveries = Project(project, home=home).export_ledger(name)
    print_json([each.to_json() for each in deliveries]) if as_json else tables.ledger_table(deliveries, language.value)
