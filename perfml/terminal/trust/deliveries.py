"""Deliveries on the terminal: what was due, what came, and who takes care of it."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from perfml.messages import render
from perfml.terminal.console import MOST_LISTED, out
from perfml.trust.deliveries.report import DeliveryReport

COLUMNS = {
    "received": "in time 按时",
    "late": "late 迟到",
    "missing": "missing 缺失",
    "wrong": "wrong 异常",
    "expected": "expected 待到",
}


def deliveries_table(report: DeliveryReport) -> None:
    """A row a feed, the packets that are missing or wrong, and who takes care of them."""
    table = Table("feed 数据源", *COLUMNS.values(), box=None, header_style="dim")
    for source, counted in report.counts().items():
        table.add_row(escape(source), *(f"{counted[name]:,}" for name in COLUMNS))
    if report.packets:
        out.print(table)
    else:
        out.print("no feed is declared in features/deliveries.toml · 尚未在 `features/deliveries.toml` 中定义数据源")
    states = {(alarm.source, alarm.business_date): alarm for alarm in report.alarms}
    notable = [packet for packet in report.packets if packet.is_faulty]
    for packet in notable[:MOST_LISTED]:
        alarm = states.get((packet.source, packet.business_date))
        who = f"; {alarm.acknowledged_by} takes care of it" if alarm and alarm.acknowledged_by else ""
        due = f"due {packet.due_at:%Y-%m-%d %H:%M} UTC" if packet.due_at else ""
        what = "; ".join(render(problem, "en") for problem in packet.problems) or f"missing 缺失, {due}"
        out.print(f"  [red]{escape(packet.source)} {packet.business_date}[/]  {escape(what + who)}", highlight=False)
    if len(notable) > MOST_LISTED:
        out.print(f"  … and {len(notable) - MOST_LISTED:,} more · 另有 {len(notable) - MOST_LISTED:,} 条")
    for post in report.carried.delivered:
        for language in ("en", "zh"):
            out.print(
                f"  [dim]to {escape(post.recipient)}[/]  {escape(render(post.message, language))}", highlight=False
            )
    if report.carried.problem:
        waiting = len(report.carried.waiting)
        out.print(f"  [yellow]{waiting} messages wait[/]: {escape(report.carried.problem)}", highlight=False)
