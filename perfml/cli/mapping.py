"""Commands that begin with an export as it is: ``map`` and ``template``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import LanguageName, ProjectOption
from perfml.messages.message import fill
from perfml.project.starter import STARTER
from perfml.terminal import mapping as screens

PREVIEWED = 3
"""Rows shown of each table."""


def map_export(
    export: Annotated[str, typer.Argument(help="Folder, file, DuckDB file, or postgresql:// URL.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for the project.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; write questions as comments.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files of the project.")] = False,
    language: Annotated[LanguageName, typer.Option(help="Of reasons and questions: en or zh.")] = LanguageName.en,
) -> None:
    """Look at the files of an export, propose which column is which, and write a project that reads them.

    Exit code 1: a table cannot be read before a question is answered.
    """
    proposal = Project(STARTER).propose(export)
    screens.proposal_tables(proposal, language.value)
    if not proposal.tables:
        terminal.err.print(escape(fill("mapping_not_recognised", language.value)), highlight=False)
        raise typer.Exit(1)
    if not yes and sys.stdin.isatty():
        proposal = proposal.answered(screens.ask(proposal, language.value))
    else:
        screens.question_lines(proposal, language.value)
    written = Project(STARTER).map(proposal, out, language=language.value, force=force)
    with Project(out).open(strict=False) as data:
        for name, spec in data.specs.items():
            columns = ", ".join(f'"{column}"' for column in data.columns[name])
            rows = data.connection.sql(f"select {columns} from {name} order by {', '.join(spec.key)} limit {PREVIEWED}")
            screens.first_rows(name, rows.df(), language.value)
    terminal.out.print(escape(fill("mapping_written", language.value, count=len(written), folder=out)), highlight=False)
    blocking = next((q for q in proposal.questions() if q.column.standing == "asked" and q.required), None)
    if blocking is not None:
        question = screens.question_text(blocking, language.value)
        file = out / "sources" / f"{blocking.table}.toml"
        line = fill("mapping_stopped", language.value, table=blocking.table, question=question, file=file)
        terminal.err.print(f"[red]perfml:[/] {escape(line)}", highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    terminal.out.print(escape(fill("mapping_next", language.value, folder=out)), highlight=False)


def template(
    directory: Path,
    project: ProjectOption = None,
) -> None:
    """Write an empty workbook and CSV files to fill in: headers, an example row, explanations in English and Chinese."""
    for path in Project(project).template(directory):
        terminal.out.print(str(path), highlight=False)
