"""The audit log on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from perfml.messages import Language, render
from perfml.terminal.console import MOST_LISTED, out
from perfml.trust.audit.history import AuditEvent
from perfml.trust.audit.verifying import Verification

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def verification_lines(verification: Verification) -> None:
    """What was looked at, and each finding with its remedy in both languages."""
    counts = (
        f"{verification.rows:,} rows 行, {verification.checkpoints:,} checkpoints 检查点"
        f" ({verification.covered:,} rows under the newest 最新者涵盖行数), {verification.erased:,} erased 已删除"
    )
    out.print(counts, highlight=False)
    if verification.whole:
        out.print("[green]whole[/] · 完整", highlight=False)
    for finding in verification.findings[:MOST_LISTED]:
        for language in LANGUAGES:
            out.print(f"[red]{escape(finding.where)}[/]: {escape(render(finding.problem, language))}", highlight=False)
            out.print(f"      [dim]{escape(render(finding.remedy, language))}[/]", highlight=False)
    more = len(verification.findings) - MOST_LISTED
    if more > 0:
        out.print(f"  … and {more:,} more · 另有 {more:,} 处")


def events_table(events: Sequence[AuditEvent]) -> None:
    """A row an event, oldest first; every one, as a person may ask for it."""
    table = Table(
        "row 行", "at 时间", "by 操作人", "what 事项", "purpose 目的", "people 人数", box=None, header_style="dim"
    )
    for event in events:
        cells = (event.at, event.actor, event.action, event.purpose)
        table.add_row(str(event.number), *(escape(cell) for cell in cells), str(event.people))
    if events:
        out.print(table)
    else:
        out.print("nothing is recorded about this person · 没有关于此人的记录")
