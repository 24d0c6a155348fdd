"""The goal tree, alignment and sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from perfml.goals.tree.alignment import GroupAlignment, together
from perfml.goals.tree.wording import KeptPath, coverage_text, silo_text
from perfml.messages import Language, Message, render
from perfml.messages.message import fill
from perfml.terminal.console import MOST_LISTED, out

if TYPE_CHECKING:
    from perfml.goals.report import GoalsReport


def goals_summary(report: GoalsReport, language: Language) -> None:
    """Print how much reaches a company goal, who works on each of them, and silo flags."""
    if report.flags.basis != "objectives":
        _line(Message.of(f"goal_basis_{report.flags.basis}"), language)
    people = report.people
    if people and (whole := together(people)).share is not None:
        _line(Message.of("goal_alignment", aligned=whole.aligned, people=whole.people), language)
    for each in report.flags.coverage[:MOST_LISTED]:
        _line(coverage_text(each), language)
    for flag in report.flags.silos:
        _line(silo_text(flag), language)


def tree_lines(report: GoalsReport, language: Language, *, most: int = MOST_LISTED) -> None:
    """Print how many goals have which kind of path, and the first that reach no company goal."""
    rows = [KeptPath.of(row) for row in report.paths.to_pylist() if row["status"] != "held"]
    for status, count in Counter(row.status for row in rows).most_common():
        out.print(f"{count:,} {fill(f'goal_path_{status}', language)}", highlight=False)
    for row in [row for row in rows if row.status != "aligned"][:most]:
        line = f"  {escape(row.employee_id)} {escape(row.goal_id)}: {escape(render(row.text, language))}"
        out.print(line, highlight=False)


def alignment_table(groups: Mapping[str | None, GroupAlignment], language: Language) -> None:
    """Print the share of weight that reaches a company goal by group, and of what does not the cause."""
    parts = ("aligned", "orphan", "broken", "circle")
    table = Table()
    table.add_column()
    for code in ("goal_head_people", *(f"goal_path_{part}" for part in parts)):
        table.add_column(fill(code, language), justify="right")
    for group, means in groups.items():
        cells = [f"{getattr(means, part):.0%}" for part in parts]
        table.add_row(escape(group or "–"), f"{means.people:,}", *(cells if means.share is not None else ["–"] * 4))
    out.print(table)


def sums_table(report: GoalsReport, level: str) -> None:
    """Print target, actual and forecast of one level with the interval of the sum."""
    table = Table()
    for head in ("", "metric", "to", "people", "target", "actual", "expected", "80 %", "share"):
        table.add_column(head, justify="left" if head in ("", "metric", "to") else "right")
    for row in [row for row in report.sums.to_pylist() if row["level"] == level]:
        whose = " ".join(row[name] for name in ("department", "manager_id", "employee_id") if row[name])
        named = (escape(whose), escape(row["metric"]), str(row["period_end"]), f"{row['people']:,}")
        if row["expected"] is None:
            table.add_row(*named, *["–"] * 4, row["problem"] or "")
            continue
        between = "–" if row["low"] is None else f"{row['low']:,.0f}–{row['high']:,.0f}"
        amounts = (f"{row[name]:,.0f}" for name in ("target", "actual", "expected"))
        table.add_row(*named, *amounts, between, f"{row['expected'] / row['target']:.0%}")
    out.print(table)


def _line(message: Message, language: Language) -> None:
    out.print(escape(render(message, language)), highlight=False)
