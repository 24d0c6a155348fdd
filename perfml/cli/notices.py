"""The commands of what the law asks: notices, opting out, outcomes and their packages, retention, the governance checklist."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.deliveries import ByOption, NowOption
from perfml.cli.options import (
    DataOption,
    HomeOption,
    JsonOption,
    ProjectOption,
    day_of,
    print_json,
    require_suffix,
)
from perfml.errors import PerfmlError
from perfml.terminal.trust import notices as tables

OnOption = Annotated[str | None, typer.Option("--on", help="Date, YYYY-MM-DD (default: today, UTC).")]


def _day(text: str | None) -> dt.date:
    return dt.datetime.now(dt.UTC).date() if text is None else day_of(text, "--on")


def notice(
    employees: Annotated[list[str] | None, typer.Argument(help="Who was told.")] = None,
    *,
    version: Annotated[str, typer.Option("--version", help="Which text of models/notices.toml.")] = "v1",
    how: Annotated[str, typer.Option("--how", help="By which way, e.g. e-mail or a signed sheet.")] = "",
    on: OnOption = None,
    by: ByOption = "",
    file: Annotated[
        Path | None,
        typer.Option("--from", help="CSV with employee_id and, where they differ, version, given_on, how, by."),
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that people were told before they are scored; without people, list who was told and who opted out."""
    from perfml.trust.deliveries.packet_files import packet_rows
    from perfml.trust.notices.notice_log import Notice

    opened = Project(project, home=home)
    rows = [{"employee_id": each} for each in employees or []] + (packet_rows(file) if file is not None else [])
    given = [
        Notice(
            employee_id=row.get("employee_id", ""),
            version=row.get("version", version),
            given_on=_day(row.get("given_on", on)),
            how=row.get("how", how),
            by=row.get("by", by),
        )
        for row in rows
    ]
    if file is not None and not given:
        raise PerfmlError("has no rows", where=str(file), remedy="one row a person, with employee_id")
    stored = opened.give_notice(given) if given else 0
    states = opened.notices()
    if as_json:
        print_json({"stored": stored, "people": [tables.state_json(state) for state in states.values()]})
        return
    if given:
        terminal.out.print(f"{stored:,} notices recorded · 已登记 {stored:,} 条告知", highlight=False)
    tables.notices_table(states)


def opt_out(
    employee: str,
    *,
    by: ByOption = "",
    on: OnOption = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="The person wants to be scored again.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that a person wants no score: none is computed from then on, for any date."""
    state = Project(project, home=home).opt_out(employee, by=by, on=_day(on), withdraw=withdraw)
    if as_json:
        print_json(tables.state_json(state))
    else:
        sentence = (
            "is scored again · 重新参与计算" if state.opted_out_on is None else "opted out, no score · 已退出，不再计算"
        )
        terminal.out.print(escape(f"{employee}: {sentence}"), highlight=False)


def outcome(
    employee: str,
    *,
    what: Annotated[str, typer.Option("--what", help="What was decided, in a sentence.")] = "",
    by: ByOption = "",
    on: OnOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a decision of people to somebody's disadvantage, so that its package is due (`perfml package`)."""
    state = Project(project, home=home).outcome(employee, what=what, by=by, on=_day(on))
    if as_json:
        print_json(tables.state_json(state))
    else:
        terminal.out.print(escape(f"{employee}: recorded; `perfml package {employee}` · 已登记"), highlight=False)


def package(
    employee: str,
    *,
    out: Annotated[Path | None, typer.Option("--out", help="File to write: .html or .md.")] = None,
    data: DataOption = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    now: Annotated[str | None, typer.Option("--now", help="Moment it is made (default: the clock's).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what a person must get after an adverse outcome, in Chinese and English: system, part, inputs, correction, review."""
    target = out or Path(f"package-{employee}.html")
    require_suffix(target, ".html", ".md")
    opened = Project(project, home=home)
    written = opened.package(employee, target, data, as_of=as_of, now=now)
    if as_json:
        print_json({"out": str(written), **tables.state_json(opened.notices()[employee])})
    else:
        terminal.out.print(f"package · 说明材料: {escape(str(written))}", highlight=False)


def governance(
    *,
    data: DataOption = None,
    now: NowOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file to write as well: the checklist as a page.")
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the rules of a works council against the state of the system: pass, fail or unknown. Exit code 1: one fails."""
    require_suffix(out, ".html")
    opened = Project(project, home=home)
    checks = opened.governance(data, now=now)
    if out is not None:
        opened.write_governance(checks, out, now=now)
    if as_json:
        print_json([check.to_json() for check in checks])
    else:
        tables.governance_table(checks)
    if any(check.verdict == "fail" for check in checks):
        raise typer.Exit(1)


def retention(
    *,
    now: NowOption = None,
    apply: Annotated[bool, typer.Option("--apply", help="Erase it.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report which records are older than the policy keeps; with --apply, erase them."""
    due = Project(project, home=home).retention(now=now, apply=apply)
    if as_json:
        print_json(due.to_json())
    else:
        tables.retention_lines(due)
