"""The commands of advice: targets, courses, priorities, and what people say about them."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import (
    DataOption,
    HomeOption,
    JsonOption,
    OneDateOption,
    OutOption,
    ProjectOption,
    day_of,
    is_table,
    print_json,
    write,
)
from perfml.terminal import advice as show

PolicyOption = Annotated[str | None, typer.Option("--policy", help="Which policy of models/ (default: the only one).")]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="Idempotency key: the same entry under it is stored once.")
]


class Said(StrEnum):
    """What can be said about a suggestion."""

    accept = "accept"
    refuse = "refuse"


class Offer(StrEnum):
    """How far an offer has come."""

    offered = "offered"
    refused = "refused"
    done = "done"


def targets(
    data: DataOption = None,
    as_of: OneDateOption = None,
    policy: PolicyOption = None,
    out: OutOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast every goal in force, and suggest new targets or weights inside the policy. Nothing applies by itself."""
    is_table(out)
    with terminal.progress() as tell:
        found = Project(project, home=home, progress=tell).targets(data, as_of=as_of, policy=policy)
    write(found, out)
    if as_json:
        print_json(found.to_pylist())
    else:
        show.targets_table(found)


def courses(
    data: DataOption = None,
    as_of: OneDateOption = None,
    employee: Annotated[list[str] | None, typer.Option("--employee", help="Only this person; may be repeated.")] = None,
    policy: PolicyOption = None,
    out: OutOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Courses for the gaps that reviews name, the first to take first, each with its evidence; or why there is none."""
    is_table(out)
    with terminal.progress() as tell:
        opened = Project(project, home=home, progress=tell)
        found = opened.courses(data, as_of=as_of, employees=employee, policy=policy)
    write(found, out)
    if as_json:
        print_json(found.to_pylist())
    else:
        show.courses_table(found)


def priorities(
    model: str,
    capacity: Annotated[int | None, typer.Option("--capacity", min=1, help="How many people can be talked to.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    horizon_days: Annotated[int | None, typer.Option("--horizon", help="Days (default: the shortest).")] = None,
    hold_out: Annotated[
        float, typer.Option("--hold-out", min=0, max=0.99, help="Share left out at random, to learn what help changes.")
    ] = 0.0,
    log: Annotated[
        str | None, typer.Option("--log", help="Remember that everyone listed is offered this, e.g. conversation.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who logs it.")] = "",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whom to talk to first, as far as there is capacity, what to expect of it, and whose setting needs support."""
    from perfml.advice.priorities import as_interventions

    opened = Project(project, home=home)
    found = opened.priorities(model, capacity=capacity, as_of=as_of, horizon_days=horizon_days, hold_out_share=hold_out)
    if as_json:
        print_json(found.to_json())
    else:
        show.priorities_table(found)
    if log is not None:
        today = dt.datetime.now(dt.UTC).date()
        entries = as_interventions(found, kind=log, offered_on=today, entered_by=by)
        key = f"{model}/{found.as_of}/{found.horizon_days}/{log}/{today}"
        stored = opened.log(entries, key=key) if entries else []
        if not as_json:
            terminal.out.print(f"{len(stored)} entries logged as {escape(log)}, offered on {today}", highlight=False)


def decide(
    suggestion: str,
    verdict: Said,
    by: Annotated[str, typer.Option("--by", help="Who decides: a person's name.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; a refusal needs it.")] = "",
    key: KeyOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Accept or refuse a suggestion. It is remembered; applying it is for people."""
    stored = Project(project, home=home).decide(suggestion, verdict.value, by=by, reason=reason, key=key)
    why = f": {stored.reason}" if stored.reason else ""
    said = f"{stored.suggestion_id}: {stored.verdict} by {stored.decided_by} at {stored.entered_at}{why}"
    terminal.out.print(escape(said), highlight=False)


def intervene(
    employee: str,
    kind: Annotated[str, typer.Option("--kind", help="What was offered, e.g. conversation.")],
    offered_on: Annotated[str, typer.Option("--offered-on", help="Date, YYYY-MM-DD.")],
    status: Annotated[Offer, typer.Option("--status", help="How far it has come.")] = Offer.offered,
    done_on: Annotated[str | None, typer.Option("--done-on", help="Date, YYYY-MM-DD; with --status done.")] = None,
    outcome: Annotated[str, typer.Option("--outcome", help="What came of it.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who logs it.")] = "",
    key: KeyOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Log that somebody was offered help, refused it, or had it, and what came of it."""
    from perfml.advice.decision_log import Intervention

    entry = Intervention(
        employee_id=employee,
        kind=kind,
        offered_on=day_of(offered_on, "--offered-on"),
        status=status.value,
        done_on=None if done_on is None else day_of(done_on, "--done-on"),
        outcome=outcome,
        entered_by=by,
    )
    (stored,) = Project(project, home=home).log([entry], key=key)
    said = f"{stored.employee_id}: {stored.kind} {stored.status}, offered on {stored.offered_on}"
    terminal.out.print(escape(said), highlight=False)
