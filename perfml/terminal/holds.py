"""Holds and disputes on the terminal, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from perfml.messages import both
from perfml.terminal.console import out
from perfml.trust.disputes.dispute import Dispute
from perfml.trust.holds.hold import Hold

if TYPE_CHECKING:
    from perfml.advice.dispute_outcome import DisputeOutcome
    from perfml.trust.disputes.agreement import Agreement

__all__ = ["Hold", "dispute_json", "dispute_line", "disputes_table", "hold_json", "hold_line", "holds_table", "outcome"]


def hold_json(hold: Hold) -> dict[str, object]:
    """A hold as JSON, with its message in both languages; dates stay dates."""
    fields = asdict(hold) | {"message": both(hold.message), "active": hold.active, "days_missing": hold.days_missing}
    return {name: value for name, value in fields.items() if name != "number"}


def holds_table(holds: Sequence[Hold]) -> None:
    """Print the holds in force."""
    if not holds:
        out.print("nothing is held 目前没有暂停")
        return
    table = Table(title=f"{len(holds)} held 暂停", title_justify="left", title_style="bold")
    for heading in ("hold 编号", "who or what 对象", "why 原因", "since 起始", "clean days 正常天数"):
        table.add_column(heading, overflow="fold")
    for hold in holds:
        why = "\n".join(both(hold.message).values())
        clean = ", ".join(map(str, hold.clean_days)) + (f" ({hold.days_missing} missing)" if hold.days_missing else "")
        table.add_row(escape(hold.hold_id), escape(hold.entity), escape(why), str(hold.set_on), clean)
    out.print(table)


def hold_line(hold: Hold) -> None:
    """Print one hold, in force or lifted."""
    if hold.release is None:
        state, state_zh = f"held since {hold.set_on}", f"自 {hold.set_on} 起暂停"
    else:
        state = f"lifted by {hold.release.by} on {hold.release.on}"
        state_zh = f"已于 {hold.release.on} 由 {hold.release.by} 解除"
    out.print(escape(f"{hold.hold_id} {hold.entity}: {state} {state_zh}"), highlight=False)


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
    out.print(escape(text), highlight=False)


def disputes_table(disputes: Sequence[Dispute], agreed: Agreement, escalated: Sequence[Dispute]) -> None:
    """Print every dispute, those that were escalated now, and the agreement of second reviewers."""
    if not disputes:
        out.print("no fact is disputed 没有异议")
    for dispute in disputes:
        dispute_line(dispute)
    for dispute in escalated:
        out.print(escape(f"escalated 已上报: {dispute.dispute_id}"), highlight=False)
    if agreed.verdict == "insufficient":
        out.print(
            f"agreement of second reviewers: insufficient, {agreed.reviewed} of {agreed.least} reviews"
            f" 复核一致性：数据不足（{agreed.reviewed}/{agreed.least}）",
            highlight=False,
        )
    elif agreed.share is not None and agreed.low is not None and agreed.high is not None:
        kappa = "" if agreed.kappa is None else f", kappa {agreed.kappa:.2f}"
        out.print(
            f"second reviewers agree in {agreed.share:.0%} [{agreed.low:.0%}, {agreed.high:.0%}] of {agreed.reviewed}{kappa}"
            f" 复核一致率 {agreed.share:.0%}",
            highlight=False,
        )


def outcome(dispute: DisputeOutcome) -> None:
    """Print what the person sees of before and after."""
    out.print(escape(f"{dispute.employee_id} {dispute.table} {dispute.key}: {dispute.state}"), highlight=False)
    for heading, row in (("before 之前", dispute.row_before), ("now 现在", dispute.row_after)):
        out.print(escape(f"  {heading}: {_row(row)}"), highlight=False)
    if dispute.reason:
        out.print(escape(f"  {dispute.reason}"), highlight=False)
    for scores in dispute.scores:
        out.print(escape(f"  {scores.model}, {scores.as_of}: {scores.status}"), highlight=False)
        for heading, lines in (("before 之前", scores.before), ("now 现在", scores.after)):
            for line in lines:
                out.print(escape(f"    {heading}: {line['en']} {line['zh']}"), highlight=False)


def _row(row: Mapping[str, str] | None) -> str:
    return "not used 未使用" if row is None else ", ".join(f"{name} {value}" for name, value in row.items())
