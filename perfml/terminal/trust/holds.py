"""Holds and disputes on the terminal, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape

from perfml.messages import both
from perfml.terminal.console import out
from perfml.trust.disputes.dispute import Dispute
from perfml.trust.holds.hold import CLEAN_DAYS, MEASURED, Hold

if TYPE_CHECKING:
    from perfml.advice.dispute_outcome import DisputeOutcome
    from perfml.trust.disputes.agreement import Agreement

__all__ = ["Hold", "dispute_json", "dispute_line", "disputes_table", "hold_json", "hold_line", "holds_list", "outcome"]


def hold_json(hold: Hold) -> dict[str, object]:
    """A hold as JSON, with its message in both languages; dates stay dates."""
    fields = asdict(hold) | {"message": both(hold.message), "active": hold.active, "days_missing": hold.days_missing}
    return {name: value for name, value in fields.items() if name != "number"}


def holds_list(holds: Sequence[Hold]) -> None:
    """Print the holds in force, each with its reason and its clean days."""
    if not holds:
        out.print("nothing is held 目前没有暂停")
    for hold in holds:
        hold_line(hold)
        for text in both(hold.message).values():
            out.print(escape(f"  {text}"), highlight=False, soft_wrap=True)
        if hold.cause in MEASURED:
            days = ", ".join(map(str, hold.clean_days)) or "none 无"
            out.print(f"  clean days 正常天数 ({CLEAN_DAYS}): {days}", highlight=False, soft_wrap=True)


def hold_line(hold: Hold) -> None:
    """Print one hold, in force or lifted."""
    if hold.release is None:
        state, state_zh = f"held since {hold.set_on}", f"自 {hold.set_on} 起暂停"
    else:
        state = f"lifted by {hold.release.by} on {hold.release.on}"
        state_zh = f"已于 {hold.release.on} 由 {hold.release.by} 解除"
    out.print(escape(f"{hold.hold_id} {hold.entity}: {state} {state_zh}"), highlight=False, soft_wrap=True)


def dispute_json(dispute: Dispute) -> dict[str, object]:
    """A dispute as JSON; dates stay dates."""
    return asdict(dispute) | {"state": dispute.state}


def dispute_line(dispute: Dispute) -> None:
    """Print one dispute."""
    if dispute.decision is None:
        state, state_zh = f"open, due {dispute.due_on}", f"处理中，最迟 {dispute.due_on}"
    else:
        state = f"{dispute.state} by {dispute.decision.by} on {dispute.decision.on}: {dispute.decision.reason}"
        state_zh = "成立" if dispute.state == "upheld" else "未获支持"
    text = f"{dispute.dispute_id} {dispute.employee_id} {dispute.fact}: {state} {state_zh}"
    out.print(escape(text), highlight=False, soft_wrap=True)


def disputes_table(disputes: Sequence[Dispute], agreed: Agreement, escalated: Sequence[Dispute]) -> None:
    """Print every dispute, those that were escalated now, and the agreement of second reviewers."""
    if not disputes:
        out.print("no fact is disputed 没有异议")
    for dispute in disputes:
        dispute_line(dispute)
    for dispute in escalated:
        out.print(escape(f"escalated 已上报: {dispute.dispute_id}"), highlight=False, soft_wrap=True)
    if agreed.verdict == "insufficient":
        out.print(
            f"agreement of second reviewers: insufficient, {agreed.reviewed} of {agreed.least} reviews"
            f" 复核一致性：数据不足（{agreed.reviewed}/{agreed.least}）",
            highlight=False,
            soft_wrap=True,
        )
    elif agreed.share is not None and agreed.low is not None and agreed.high is not None:
        kappa = "" if agreed.kappa is None else f", kappa {agreed.kappa:.2f}"
        out.print(
            f"second reviewers agree in {agreed.share:.0%} [{agreed.low:.0%}, {agreed.high:.0%}] of {agreed.reviewed}{kappa}"
            f" 复核一致率 {agreed.share:.0%}",
            highlight=False,
            soft_wrap=True,
        )


def outcome(dispute: DisputeOutcome) -> None:
    """Print what the person sees of before and after."""
    out.print(
        escape(f"{dispute.employee_id} {dispute.table} {dispute.key}: {dispute.state}"), highlight=False, soft_wrap=True
    )
    for heading, row in (("before 之前", dispute.row_before), ("now 现在", dispute.row_after)):
        out.print(escape(f"  {heading}: {_row(row)}"), highlight=False, soft_wrap=True)
    if dispute.reason:
        out.print(escape(f"  {dispute.reason}"), highlight=False, soft_wrap=True)
    for scores in dispute.scores:
        out.print(escape(f"  {scores.model}, {scores.as_of}: {scores.status}"), highlight=False, soft_wrap=True)
        for heading, lines in (("before 之前", scores.before), ("now 现在", scores.after)):
            for line in lines:
                out.print(escape(f"    {heading}: {line['en']} {line['zh']}"), highlight=False, soft_wrap=True)


def _row(row: Mapping[str, str] | None) -> str:
    return "not used 未使用" if row is None else ", ".join(f"{name} {value}" for name, value in row.items())
