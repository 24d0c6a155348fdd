"""The feedback network on the terminal: departments as a matrix, gaps between units, who is outside."""

from __future__ import annotations

from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from perfml.json_types import JsonObject
from perfml.messages import both, render
from perfml.network.record import LevelDirection
from perfml.network.report import NetworkReport
from perfml.terminal.console import MOST_LISTED, out

WAYS: dict[LevelDirection, str] = {
    "up": "to a higher level 向上",
    "same": "within a level 同级",
    "down": "to a lower level 向下",
}


def network_json(report: NetworkReport) -> JsonObject:
    """Figures of groups, who is outside, and the one-way streets of people."""
    figures = asdict(report.figures)
    figures["gaps"] = [{**asdict(gap), **both(gap.text)} for gap in report.figures.gaps]
    figures["notices"] = [both(notice) for notice in report.figures.notices]
    days = report.figures.days
    return {
        "as_of": str(report.as_of),
        **figures,
        "outside": [{**asdict(row), **both(row.text(days))} for row in report.people if row.outside],
        "one_way": report.streets.to_dict("records"),
    }


def network_table(report: NetworkReport) -> None:
    """Departments by who gives and who receives; then what stands out."""
    figures = report.figures
    for notice in figures.notices:
        out.print(escape(f"{render(notice, 'en')} · {render(notice, 'zh')}"), highlight=False)
    names = list(dict.fromkeys(cell.giver for cell in figures.cells))
    table = Table("from 给出 → to 收到", *map(escape, names), box=None, header_style="dim")
    number = {
        (cell.giver, cell.receiver): "–" if cell.contacts is None else f"{cell.contacts:,}" for cell in figures.cells
    }
    for name in names:
        table.add_row(escape(name), *(number[name, other] for other in names))
    if names:
        out.print(table)
    for gap in figures.gaps:
        out.print(escape(f"{render(gap.text, 'en')} · {render(gap.text, 'zh')}"), highlight=False)
    for compared in figures.compared:
        out.print(
            f"{compared.by}: {compared.testable:,} of {compared.pairs:,} pairs can be told from chance · 可判断的单位对",
            style="dim",
            highlight=False,
        )
    for flow in figures.levels:
        counted = "withheld 不予显示" if flow.withheld else f"{flow.contacts:,} ({flow.expected:,.0f} expected 预期)"
        out.print(f"recognition 表扬, {WAYS[flow.direction]}: {counted}", highlight=False)
    people = [row for row in report.people if row.outside]
    out.print(
        f"outside 未在网络中: {len(people):,} · one-way streets 单向往来: {len(report.streets):,}", highlight=False
    )
    for row in people[:MOST_LISTED]:
        text = row.text(figures.days)
        out.print(escape(f"  {row.employee_id}  {render(text, 'en')} · {render(text, 'zh')}"), highlight=False)
