"""The commands of holds and disputes."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import DataOption, HomeOption, JsonOption, OneDateOption, ProjectOption, print_json
from perfml.errors import PerfmlError
from perfml.terminal.trust import holds as tables
from perfml.trust.disputes.dispute import Dispute

SignOffOption = Annotated[str, typer.Option("--by", help="Who signs it off: a person's name.")]
JudgeOption = Annotated[str, typer.Option("--by", help="Who judges: an employee id outside the person's line.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence.")]
TodayOption = Annotated[str | None, typer.Option("--today", help="Date, YYYY-MM-DD (default: the clock's, UTC).")]


class DisputeVerdictOption(StrEnum):
    """Verdicts on a dispute."""

    upheld = "upheld"
    rejected = "rejected"


def holds(
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is held, why and since when; with --data those whose rows are broken too."""
    listed = Project(project, home=home).holds(data, as_of=as_of)
    if as_json:
        print_json([tables.hold_json(hold) for hold in listed])
    else:
        tables.holds_list(listed)


def release(
    hold: str,
    *,
    by: SignOffOption,
    reason: ReasonOption,
    data: DataOption = None,
    today: TodayOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift a hold after two clean days; with --data what stands on it is computed again."""
    with terminal.progress() as progress:
        lifted = Project(project, home=home, progress=progress).release(
            hold, by=by, reason=reason, data=data, today=today
        )
    _print_hold(lifted, as_json)


def stop(
    *,
    by: SignOffOption,
    reason: ReasonOption,
    today: TodayOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold everything at once: no score, list, target or course is shown until `perfml resume`."""
    _print_hold(Project(project, home=home).stop(by=by, reason=reason, today=today), as_json)


def resume(
    *,
    by: SignOffOption,
    reason: ReasonOption,
    today: TodayOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift the stop."""
    _print_hold(Project(project, home=home).resume(by=by, reason=reason, today=today), as_json)


def recompute(
    *, data: DataOption = None, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Compute again what stands on lifted holds and decided disputes; what was before is kept as superseded."""
    with terminal.progress() as progress:
        written = Project(project, home=home, progress=progress).recompute(data)
    if as_json:
        print_json([str(path) for path in written])
    else:
        terminal.out.print(f"{len(written)} files computed again 已重新计算 {len(written)} 个文件", highlight=False)


def dispute(
    employee: str,
    *,
    table: Annotated[str, typer.Option("--table", help="Table of the row, such as reviews.")],
    key: Annotated[str, typer.Option("--key", help="Key of the row, as `perfml check` prints keys.")],
    right: Annotated[
        list[str] | None,
        typer.Option("--right", help="COLUMN=VALUE that is right; may be repeated. None: the row should not exist."),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who files it.")],
    proof: Annotated[Path | None, typer.Option("--proof", help="PDF, PNG, JPEG, text or CSV that proves it.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same dispute under it is stored once.")
    ] = None,
    data: DataOption = None,
    today: TodayOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Dispute a fact about an employee: it is used nowhere until somebody outside their line has decided."""
    filed = Project(project, home=home).dispute(
        employee,
        table=table,
        key=key,
        right=dict(map(_pair, right or [])),
        by=by,
        proof=proof,
        data=data,
        today=today,
        idempotency_key=idempotency_key,
    )
    _print_dispute(filed, as_json)


def disputes(
    *,
    employee: Annotated[str | None, typer.Option("--employee", help="Only of this person.")] = None,
    dispute_id: Annotated[str | None, typer.Option("--id", help="One dispute, with what was before and after.")] = None,
    escalate: Annotated[bool, typer.Option("--escalate", help="Tell whom the project names of overdue ones.")] = False,
    today: TodayOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List disputes with their deadlines, and how often second reviewers agree."""
    opened = Project(project, home=home)
    if dispute_id is not None:
        outcome = opened.disputed(dispute_id)
        if as_json:
            print_json(outcome.model_dump(mode="json"))
        else:
            tables.outcome(outcome)
        return
    escalated = opened.escalate(today=today) if escalate else ()
    listed, agreed = opened.disputes(employee), opened.agreement()
    if as_json:
        print_json(
            {
                "disputes": [tables.dispute_json(each) for each in listed],
                "escalated": [each.dispute_id for each in escalated],
                "agreement": asdict(agreed),
            }
        )
    else:
        tables.disputes_table(listed, agreed, escalated)


def resolve(
    dispute: str,
    verdict: DisputeVerdictOption,
    *,
    by: JudgeOption,
    reason: ReasonOption,
    data: DataOption = None,
    today: TodayOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Uphold or reject a dispute; the person is told, and with --data what stands on the fact is computed again."""
    with terminal.progress() as progress:
        opened = Project(project, home=home, progress=progress)
        decided = opened.resolve(dispute, verdict.value, by=by, reason=reason, data=data, today=today)
    _print_dispute(decided, as_json)


def review(
    dispute: str,
    verdict: DisputeVerdictOption,
    *,
    by: JudgeOption,
    reason: ReasonOption,
    data: DataOption = None,
    today: TodayOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what you, as a second reviewer, would have decided: it changes nothing, and agreement is measured."""
    reviewed = Project(project, home=home).review(dispute, verdict.value, by=by, reason=reason, data=data, today=today)
    _print_dispute(reviewed, as_json)


def _print_hold(hold: tables.Hold, as_json: bool) -> None:
    if as_json:
        print_json(tables.hold_json(hold))
    else:
        tables.hold_line(hold)


def _print_dispute(dispute: Dispute, as_json: bool) -> None:
    if as_json:
        print_json(tables.dispute_json(dispute))
    else:
        tables.dispute_line(dispute)


def _pair(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals:
        raise PerfmlError(f"{text!r} has no =", where="--right", remedy="write COLUMN=VALUE, such as rating=4")
    return column.strip(), value.strip()
