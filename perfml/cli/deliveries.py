"""The commands of deliveries: what was due and what came, who takes care of it, and packets that come late."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import DataOption, HomeOption, JsonOption, ProjectOption, day_of, print_json
from perfml.terminal.trust.deliveries import deliveries_table

NowOption = Annotated[
    str | None,
    typer.Option("--now", "--as-of", help="Moment, YYYY-MM-DD or YYYY-MM-DDTHH:MM, UTC (default: the clock's)."),
]
ByOption = Annotated[str, typer.Option("--by", help="Who: a person's name.")]


def deliveries(
    *,
    data: DataOption = None,
    now: NowOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was due from each feed and what came, raise alarms and tell their owners. Exit code 1: a delivery is missing."""
    with terminal.progress() as progress:
        report = Project(project, home=home, progress=progress).deliveries(data, now=now)
    if as_json:
        print_json(report.to_json())
    else:
        deliveries_table(report)
    if not report.complete:
        raise typer.Exit(1)


def acknowledge(
    source: str,
    *,
    by: ByOption = "",
    note: Annotated[str, typer.Option("--note", help="What is being done.")] = "",
    day: Annotated[str | None, typer.Option("--day", help="Only this business day, YYYY-MM-DD.")] = None,
    now: NowOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that you take care of the open alarms of a feed, so that nobody else is told."""
    chosen = None if day is None else day_of(day, "--day")
    alarms = Project(project, home=home).acknowledge(source, by=by, note=note, day=chosen, now=now)
    if as_json:
        print_json([alarm.to_json() for alarm in alarms])
        return
    for alarm in alarms:
        line = f"{alarm.source} {alarm.business_date}: {alarm.kind}; {by} takes care of it · {by}已确认处理"
        terminal.out.print(escape(line), highlight=False)


def receive(
    source: str,
    file: Path,
    *,
    table: Annotated[str | None, typer.Option("--table", help="Whose rows they are (default: the feed's).")] = None,
    now: NowOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply a packet that came late, once: CSV, Excel or Parquet. When this ends without an error, the packet is on disk."""
    receipt = Project(project, home=home).receive(source, file, table=table, now=now)
    if as_json:
        print_json(receipt.to_json())
        return
    state = "received · 已接收" if receipt.is_new else "had come before, nothing changes · 此前已接收，无变化"
    days = f", {min(receipt.days)} to {max(receipt.days)}" if receipt.days else ""
    line = f"{source}: {receipt.rows:,} rows for {receipt.table}{days}: {state}"
    terminal.out.print(escape(line), highlight=False)
