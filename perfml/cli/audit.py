"""The commands of the audit log: ``perfml audit verify``, ``checkpoint``, ``show`` and ``erase``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.deliveries import ByOption, NowOption
from perfml.cli.options import HomeOption, JsonOption, ProjectOption, print_json
from perfml.terminal.trust import audit as tables

audit = typer.Typer(
    name="audit", no_args_is_help=True, help="Who saw whom and did what: whether the log is whole, and what it says."
)


@audit.command()
def verify(
    *,
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", help="Folder of checkpoints, such as a copy kept elsewhere.")
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every row, checkpoint and entry; name what was altered, moved, inserted or removed. Exit code 1: something."""
    verification = Project(project, home=home).verify_audit(checkpoints=checkpoints)
    if as_json:
        print_json(verification.to_json())
    else:
        tables.verification_lines(verification)
    if not verification.whole:
        raise typer.Exit(1)


@audit.command()
def checkpoint(
    *, now: NowOption = None, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Sign what the log holds, in a file outside the database; every night, and copy the file elsewhere."""
    signed, path = Project(project, home=home).checkpoint_audit(now=now)
    if as_json:
        print_json({"size": signed.size, "root": signed.root, "at": signed.at, "file": str(path)})
    else:
        terminal.out.print(
            f"{signed.size:,} rows signed · 已签名 {signed.size:,} 行: {escape(str(path))}", highlight=False
        )


@audit.command()
def show(employee: str, *, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show who saw a person and what was recorded about them, when, by whom and for what purpose."""
    events = Project(project, home=home).audit(employee)
    if as_json:
        print_json([event.to_json() for event in events])
    else:
        tables.events_table(events)


@audit.command()
def erase(
    employee: str,
    *,
    by: ByOption = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence that names nobody.")] = "",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from the log: their key is deleted, so nobody can say whose rows they are; every hash still verifies."""
    Project(project, home=home).erase_audit(employee, by=by, reason=reason)
    if as_json:
        print_json({"erased": employee})
    else:
        terminal.out.print(escape(f"{employee}: erased from the audit log · 已从审计记录中删除"), highlight=False)
