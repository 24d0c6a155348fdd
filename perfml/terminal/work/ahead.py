"""Milestones and lines on the terminal, and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from perfml.goals.lines.report import LinesReport
from perfml.goals.milestones.report import MilestonesReport
from perfml.goals.milestones.trajectory import trajectories
from perfml.json_types import Json, JsonObject
from perfml.messages import Language, Message, both, render
from perfml.messages.message import fill
from perfml.terminal.console import MOST_LISTED, out


def milestones_json(report: MilestonesReport) -> JsonObject:
    """Every milestone, the course of each goal, and what could not be said."""
    rows = report.rows
    return {
        "as_of": str(report.as_of),
        "milestones": [
            {
                **{name: _plain(value) for name, value in asdict(row).items()},
                **both(row.text),
                "waiting": None if row.waiting_text is None else both(row.waiting_text),
            }
            for row in rows
        ],
        "trajectories": [
            {**asdict(each), "points": [{**asdict(point), "day": str(point.day)} for point in each.points]}
            for each in trajectories(rows)
        ],
        "notices": [both(notice) for notice in report.notices],
    }


def milestones_table(report: MilestonesReport, language: Language) -> None:
    """How many stand how, and the first of those that are late or will be."""
    _notices(report.notices, language)
    rows = report.rows
    for status, count in Counter(row.status for row in rows).most_common():
        out.print(f"{count:,} {fill(f'milestone_status_{status}', language)}", highlight=False)
    table = Table(box=None, header_style="dim")
    for head in ("person", "goal", "milestone", "due", "expected_80"):
        table.add_column(fill(f"goal_head_{head}", language))
    table.add_column()
    late = [row for row in rows if row.status not in ("on_time", "running") or row.waiting_text is not None]
    for row in sorted(late, key=lambda each: (each.due_on, each.goal_id))[:MOST_LISTED]:
        between = "" if row.low_on is None else f"{row.expected_on} ({row.low_on} – {row.high_on})"
        texts = [row.text, *([row.waiting_text] if row.waiting_text is not None else [])]
        standing = "; ".join(render(each, language) for each in texts)
        whose = (escape(each) for each in (row.employee_id, row.goal_id, row.name))
        table.add_row(*whose, str(row.due_on), between, escape(standing))
    if late:
        out.print(table)


def lines_json(report: LinesReport) -> JsonObject:
    """Everyone's distance from each line, and what could not be said."""
    return {
        "as_of": str(report.as_of),
        "lines": [
            {**{name: _plain(value) for name, value in asdict(row).items()}, **both(row.text)} for row in report.rows
        ],
        "notices": [both(notice) for notice in report.notices],
    }


def lines_table(report: LinesReport, language: Language) -> None:
    """Who is nearest to each line without having crossed it."""
    _notices(report.notices, language)
    everyone = report.rows
    for name in dict.fromkeys(row.line for row in everyone):
        rows = [row for row in everyone if row.line == name]
        out.print(f"[bold]{escape(render(Message.of('line_title', line=rows[0].title), language))}[/]", highlight=False)
        for problem, count in Counter(render(row.text, language) for row in rows if row.problem).items():
            out.print(f"  {count:,}: {escape(problem)}", highlight=False)
        table = Table(box=None, header_style="dim")
        for head in ("person", "metric", "by", "now", "to_go", "needed_a_week", "so_far_a_week", "likely"):
            named = head in ("person", "metric", "by")
            table.add_column(fill(f"goal_head_{head}", language), justify="left" if named else "right")
        open_yet = [row for row in rows if not row.problem and not row.crossed]
        for row in sorted(open_yet, key=lambda each: -(each.probability or 0.0))[:MOST_LISTED]:
            figures = (_figure(each) for each in (row.actual, row.distance, row.needed_a_week, row.pace_a_week))
            whose = (escape(row.employee_id), escape(row.metric), str(row.on))
            table.add_row(*whose, *figures, f"{row.probability:.0%}")
        if open_yet:
            out.print(table)


def _notices(notices: tuple[Message, ...], language: Language) -> None:
    for notice in notices:
        out.print(escape(render(notice, language)), highlight=False)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _plain(value: object) -> Json:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
