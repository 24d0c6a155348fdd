"""What is in a company's tables: the data check, and the rows behind a reason."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from rich.markup import escape
from rich.table import Table

from perfml.evidence.check import CheckReport
from perfml.evidence.holes.hole import MissingDays
from perfml.messages import Language, render
from perfml.terminal.console import out

LANGUAGES: tuple[Language, ...] = ("en", "zh")
MOST_VALUES = 3
"""Values that are quoted of those that broke a rule, at most."""


def check_table(report: CheckReport, language: Language) -> None:
    """Print the tables with their rows and gaps, what was set aside and why, and what can be computed.

    ``language``: of the sentences; headings and problems are English.
    """
    for problem in report.problems:
        out.print(f"  [red]problem[/] {escape(problem)}", highlight=False)
    table = Table(title=escape(report.source), title_justify="left")
    for heading in ("table", "rows", "people", "span", "set aside", "gaps"):
        table.add_column(heading, justify="right" if heading in ("rows", "people", "set aside") else "left")
    for t in report.tables:
        if not t.available:
            table.add_row(f"[dim]{t.name}", "[dim]–", "", "[dim]absent", "", "")
            continue
        set_aside = sum(f.rows for f in t.findings if not f.in_use)
        gaps = f"{len(t.gaps)} months, first {t.gaps[0]}" if t.gaps else ""
        people = "" if t.employees is None else f"{t.employees:,}"
        table.add_row(
            t.name,
            f"{t.rows:,}",
            people,
            f"{t.first} … {t.last}" if t.first else "",
            f"[red]{set_aside:,}" if set_aside else "0",
            gaps,
        )
    out.print(table)
    for t in report.tables:
        for f in t.findings:
            where = f"{t.name}.{f.column}" if f.column else t.name
            keys = ", ".join(f.first_keys) + (" …" if f.rows > len(f.first_keys) else "")
            state = "reported" if f.in_use else "set aside"
            values = ", ".join(render(value.text(where), language) for value in f.values[:MOST_VALUES])
            broken = f.zh if language == "zh" else f.en
            quotes = f" · {escape(values)}" if values else ""
            out.print(
                f"  {escape(where)}: {f.rows:,} {state}: {broken} ({f.rule}) · {escape(keys)}{quotes}", highlight=False
            )
            if f.remedy is not None:
                out.print(f"    [green]remedy[/] {escape(render(f.remedy, language))}", highlight=False)
    for days in report.missing:
        missing_lines(days)
    for notice in report.notices:
        out.print(f"  note: {escape(render(notice, language))}", highlight=False)
    for task in report.cannot:
        out.print(f"  [yellow]cannot[/]  {escape(render(task, language))}", highlight=False)
    can = ", ".join(render(task, language) for task in report.can)
    out.print(f"  [green]can[/]     {escape(can)}", highlight=False)


def missing_lines(days: MissingDays) -> None:
    """Print a hole of the log in both languages, what it reaches and, where it is a question, how to answer it."""
    for language in LANGUAGES:
        out.print(f"  [yellow]missing[/] {escape(render(days.hole.text(), language))}", highlight=False)
        out.print(f"    {escape(render(days.text(), language))}", highlight=False)
    if days.hole.cause in ("silent", "stopped"):
        answer = days.hole.answer.strip().replace("\n", "; ")
        out.print(f"    [green]answer[/]  features/holes.toml: {escape(answer)}", highlight=False)


def behind_lines(tables: Mapping[str, pd.DataFrame], employee: str) -> None:
    """Print rows of the company's own tables, one line each, without empty values and without ``employee``."""
    for name, rows in tables.items():
        out.print(f"[bold]{escape(name)}[/]: {len(rows):,} rows, newest first", highlight=False)
        for row in rows.astype(object).where(rows.notna(), None).to_dict("records"):
            values = {
                str(key): str(value).removesuffix(" 00:00:00")
                for key, value in row.items()
                if value is not None and value != employee
            }
            out.print(
                "  " + " · ".join(f"[dim]{escape(key)}[/] {escape(value)}" for key, value in values.items()),
                highlight=False,
            )
    if not tables:
        out.print("no rows of this person are behind this reason")
