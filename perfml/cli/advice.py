"""The commands of advice: targets, courses, priorities, and the decisions about them."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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
    print_json,
    require_table,
    write,
)
from perfml.scoring.people.files import PersonFacts
from perfml.terminal import advice as tables

if TYPE_CHECKING:
    import pyarrow as pa

PolicyOption = Annotated[str | None, typer.Option("--policy", help="Which policy of models/ (default: the only one).")]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="Idempotency key: the same entry under it is stored once.")
]


def _people(opened: Project, suggestions: pa.Table) -> dict[str, PersonFacts]:
    """Who the people of ``suggestions`` are."""
    return opened.people(suggestions.column("as_of")[0].as_py()) if len(suggestions) else {}


class VerdictOption(StrEnum):
    """Verdicts on a suggestion."""

    accept = "accept"
    refuse = "refuse"


class VoiceOption(StrEnum):
    """Readers of a person's summary."""

    hr = "hr"
    manager = "manager"
    employee = "employee"


class StatusOption(StrEnum):
    """Stages of an offer of help."""

    offered = "offered"
    refused = "refused"
    done = "done"


def targets(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    policy: PolicyOption = None,
    out: OutOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast every goal in force, and suggest new targets or weights inside the policy. Nothing applies by itself."""
    require_table(out)
    with terminal.progress() as progress:
        opened = Project(project, home=home, progress=progress)
        suggestions = opened.targets(data, as_of=as_of, policy=policy)
    write(suggestions, out, opened=opened)
    if as_json:
        print_json(suggestions.to_pylist())
    else:
        tables.targets_table(suggestions, _people(opened, suggestions))


def escalations(
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date with suggestions (default: the newest).")] = None,
    policy: PolicyOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the shocks beyond the target policy, one case for each metric and place, with the figures and who may decide."""
    cases = Project(project, home=home).escalations(as_of=as_of, policy=policy)
    if as_json:
        print_json([case.model_dump() for case in cases])
    else:
        tables.escalations_list(cases)


def courses(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    employee: Annotated[list[str] | None, typer.Option("--employee", help="Only this person; may be repeated.")] = None,
    policy: PolicyOption = None,
    out: OutOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Suggest courses for the gaps that reviews name, in the order to take them, each with its evidence; or say why not."""
    require_table(out)
    with terminal.progress() as progress:
        opened = Project(project, home=home, progress=progress)
        suggestions = opened.courses(data, as_of=as_of, employees=employee, policy=policy)
    write(suggestions, out, opened=opened)
    if as_json:
        print_json(suggestions.to_pylist())
    else:
        tables.courses_table(suggestions, _people(opened, suggestions))


def priorities(
    model: str,
    *,
    capacity: Annotated[
        int | None, typer.Option("--capacity", min=1, help="How many people there is time for.")
    ] = None,
    settings: Annotated[
        int | None, typer.Option("--settings", min=1, help="The most people whose setting needs support.")
    ] = None,
    wasted_at_most: Annotated[
        float | None,
        typer.Option(
            "--wasted-at-most", help="Largest share of conversations with people without the outcome, e.g. 0.5."
        ),
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    horizon_days: Annotated[int | None, typer.Option("--horizon", help="Days (default: the shortest).")] = None,
    hold_out: Annotated[
        float,
        typer.Option("--hold-out", min=0, max=0.99, help="Share left out at random, to estimate what help changes."),
    ] = 0.0,
    log: Annotated[
        str | None, typer.Option("--log", help="Log that everyone listed is offered this, e.g. conversation.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who logs it.")] = "",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the people to talk to first within the capacity, how many cases to expect, and whose setting needs support."""
    from perfml.advice.priorities import as_interventions  # loads SQLAlchemy

    opened = Project(project, home=home)
    listed = opened.priorities(
        model,
        capacity=capacity,
        settings=settings,
        as_of=as_of,
        horizon_days=horizon_days,
        hold_out_share=hold_out,
        wasted_at_most=wasted_at_most,
    )
    if as_json:
        print_json(listed.to_json())
    else:
        tables.priorities_table(listed, opened.people(listed.as_of))
    if log is not None:
        today = dt.datetime.now(dt.UTC).date()
        entries = as_interventions(listed, kind=log, offered_on=today, entered_by=by)
        key = f"{model}/{listed.as_of}/{listed.horizon_days}/{log}/{today}"
        stored = opened.log(entries, key=key) if entries else []
        if not as_json:
            terminal.out.print(f"{len(stored)} entries logged as {escape(log)}, offered on {today}", highlight=False)


def person(
    employee: str,
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    voice: Annotated[VoiceOption, typer.Option("--voice", help="For whom: hr, manager or employee.")] = VoiceOption.hr,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one person in one answer: risk, reasons, whose they are, and the support that fits."""
    bundle = Project(project, home=home).person(employee, as_of=as_of, voice=voice.value)
    if as_json:
        print_json(bundle.model_dump(mode="json"))
    else:
        tables.person_summary(bundle)


def decide(
    suggestion: str,
    verdict: VerdictOption,
    *,
    by: Annotated[str, typer.Option("--by", help="Who decides: a person's name.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; required for a refusal.")] = "",
    key: KeyOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Accept or refuse a suggestion. The decision is stored; applying it is up to people."""
    stored = Project(project, home=home).decide(suggestion, verdict.value, by=by, reason=reason, key=key)
    why = f": {stored.reason}" if stored.reason else ""
    line = f"{stored.suggestion_id}: {stored.verdict} by {stored.decided_by} at {stored.entered_at}{why}"
    terminal.out.print(escape(line), highlight=False)


def intervene(
    employee: str,
    *,
    kind: Annotated[str, typer.Option("--kind", help="What was offered, e.g. conversation.")],
    offered_on: Annotated[str, typer.Option("--offered-on", help="Date, YYYY-MM-DD.")],
    status: Annotated[StatusOption, typer.Option("--status", help="How far it has come.")] = StatusOption.offered,
    done_on: Annotated[str | None, typer.Option("--done-on", help="Date, YYYY-MM-DD; with --status done.")] = None,
    outcome: Annotated[str, typer.Option("--outcome", help="The outcome.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who logs it.")] = "",
    key: KeyOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Log that somebody was offered help, refused it or received it, and the outcome."""
    from perfml.advice.decision_log import Intervention  # loads SQLAlchemy

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
    line = f"{stored.employee_id}: {stored.kind} {stored.status}, offered on {stored.offered_on}"
    terminal.out.print(escape(line), highlight=False)
