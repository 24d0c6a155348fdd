"""Commands on what metrics mean and whether sources agree: ``definitions``, ``sign-off``, ``reconcile``, ``rebase``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import (
    DataOption,
    HomeOption,
    JsonOption,
    LanguageName,
    OneDateOption,
    ProjectOption,
    print_json,
    require_suffix,
)
from perfml.errors import PerfmlError
from perfml.terminal import advice as advice_tables
from perfml.terminal.trust import reconciliation as tables

TextLanguage = Annotated[LanguageName, typer.Option("--language", help="Of the sentences: en or zh.")]


def definitions(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    language: TextLanguage = LanguageName.en,
    as_json: JsonOption = False,
) -> None:
    """List what each metric means, who signed it off, and where sources clash. Exit code 1: something is not in force."""
    report = Project(project, home=home).definitions(data, as_of=as_of)
    if as_json:
        print_json(report.to_json())
    else:
        tables.definitions_table(report, language.value)
    if not all(metric.in_force for metric in report.metrics):
        raise typer.Exit(1)


def sign_off(
    metric: str,
    version: int,
    *,
    by: Annotated[str, typer.Option("--by", help="Who signs off: a person's name.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence.")] = "",
    on: Annotated[str | None, typer.Option("--on", help="Date, YYYY-MM-DD (default: today).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Put a new version of a metric's definition in force, by name. What its clashes held is lifted."""
    signed = Project(project, home=home).sign_off(metric, version, by=by, reason=reason, on=on)
    assert signed.sign_off is not None
    entry = signed.sign_off
    line = f"{metric} v{signed.version}: signed off by {entry.by} at {entry.signed_at}: {entry.reason}"
    terminal.out.print(escape(line), highlight=False)


def reconcile(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    entity: Annotated[
        str | None, typer.Option("--entity", help="Print the bridge of this one, e.g. location:South.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="HTML file to write as well.")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    language: TextLanguage = LanguageName.en,
    as_json: JsonOption = False,
) -> None:
    """Compare what two systems report of each metric: the gap on closed days and its bridge, exact to the cent.

    A gap over the limit holds the affected people. Exit code 1: something is over its limit, or definitions clash.
    """
    require_suffix(out, ".html")
    opened = Project(project, home=home)
    reconciliation = opened.reconcile(data, as_of=as_of)
    rows = reconciliation.of(entity) if entity is not None else ()
    if entity is not None and not rows:
        raise PerfmlError(
            "is in no row", where=f"--entity {entity}", remedy="name one as the table does, such as location:South"
        )
    if out is not None:
        opened.write_reconciliation(reconciliation, out)
    if as_json:
        shown = reconciliation.to_json() if entity is None else [row.to_json() for row in rows]
        print_json(shown)
    elif rows:
        for row in rows:
            tables.bridge_table(row, opened.folder.metrics, language.value)
    else:
        tables.reconciliation_table(reconciliation, opened.folder.metrics, language.value)
    if reconciliation.over_limit or any(clash.stops for clash in reconciliation.clashes):
        raise typer.Exit(1)


def rebase(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose what targets set under an earlier meaning of their metric become. Nothing applies by itself."""
    opened = Project(project, home=home)
    proposals = opened.rebase(data, as_of=as_of)
    if as_json:
        print_json(proposals.to_pylist())
    else:
        people = opened.people(proposals.column("as_of")[0].as_py()) if len(proposals) else {}
        advice_tables.rebase_list(proposals, people)
