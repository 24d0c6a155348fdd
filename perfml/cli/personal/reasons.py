"""The command of one person's reasons."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from perfml.api import Project
from perfml.cli.options import DataOption, HomeOption, JsonOption, ProjectOption, print_json
from perfml.errors import PerfmlError
from perfml.messages import coded, stored_message
from perfml.project.voices import Who
from perfml.scoring.against.comparison import ReferenceGroup
from perfml.terminal import scores as score_tables
from perfml.terminal.evidence import behind_lines


def explain(
    employee: str,
    *,
    model: Annotated[str, typer.Option("--model", help="Which model.")] = "attrition",
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    voice: Annotated[Who | None, typer.Option("--voice", help="For whom the reasons are worded.")] = None,
    behind: Annotated[
        str | None, typer.Option("--behind", help="Show the rows behind this reason, e.g. activity:overtime.")
    ] = None,
    against: Annotated[
        ReferenceGroup | None,
        typer.Option(
            "--against", help="Compare with the others of the same team, or of the same role and level (peers)."
        ),
    ] = None,
    data: DataOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one person's stored risk with its reasons; against others with --against, or the rows behind one with --behind."""
    opened = Project(project, home=home)
    if against is not None:
        if behind is not None:
            raise PerfmlError("rows stand behind stored reasons", where="--behind", remedy="ask without --against")
        compared = opened.explain_against(employee, against, model=model, as_of=as_of, voice=voice)
        if as_json:
            print_json([row.to_json() for row in compared])
        else:
            score_tables.comparisons(compared)
        return
    if behind is not None:
        tables = opened.rows_behind(employee, behind, data, model=model, as_of=as_of, reader=voice or "hr")
        if as_json:
            print_json(
                {name: json.loads(rows.to_json(orient="records", date_format="iso")) for name, rows in tables.items()}
            )
        else:
            behind_lines(tables, employee)
        return
    if voice is not None and voice != "hr":
        voiced = opened.explain(employee, model=model, as_of=as_of, voice=voice)
        if as_json:
            print_json([row.to_json() for row in voiced])
        else:
            score_tables.voiced_reasons(voiced)
        return
    if as_json:
        rows = opened.explain(employee, model=model, as_of=as_of, voice=voice)
        print_json([{**row, "why_not": row["why_not"] and coded(stored_message(row["why_not"]))} for row in rows])
    else:
        score_tables.explanation(opened.explain(employee, model=model, as_of=as_of, voice="hr"))
