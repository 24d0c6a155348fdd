"""What is in a company's tables: the data check, and the rows behind a reason."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from rich.markup import escape
from rich.table import Table

from perfml.evidence.check import CheckReport
from perfml.evidence.holes.hole import MissingDays
from perfml.messages import Language, render
from perfml.messages.message import fill
from perfml.terminal.console import out

LANGUAGES: tuple[Language, ...] = ("en", "zh")
MOST_VALUES = 3
"""Values that are quoted of those that broke a rule, at most."""


def check_table(report: CheckReport, language: Language) -> None:
    """Print the tables with their rows and gaps, what was set aside and why, and what can be computed; problems are English."""

    def t(name: str, **fields: object) -> str:
        return fill(f"check_{name}", language, **fields)

    for problem in report.problems:
        out.print(f"  [red]{t('problem')}[/] {escape(problem)}", highlight=False)
    table = Table(title=escape(report.source), title_justify="left")
    for heading in ("table", "rows", "people", "span", "set_aside", "gaps"):
        table.add_column(t(heading), justify="right" if heading in ("rows", "people", "set_aside") else "left")
    for each in report.tables:
        if not each.available:
            table.add_row(f"[dim]{each.name}", "[dim]–", "", f"[dim]{t('absent')}", "", "")
            continue
        set_aside = sum(f.rows for f in each.findings if not f.in_use)
        gaps = t("months", n=len(each.gaps), first=each.gaps[0]) if each.gaps else ""
        people = "" if each.employees is None else f"{each.employees:,}"
        table.add_row(
            each.name,
            f"{each.rows:,}",
            people,
            f"{each.first} … {each.last}" if each.first else "",
            f"[red]{set_aside:,}" if set_aside else "0",
            gaps,
        )
    out.print(table)
    for each in report.tables:
        for f in each.findings:
            where = f"{each.name}.{f.column}" if f.column else each.name
            keys = ", ".join(f.first_keys) + (" …" if f.rows > len(f.first_keys) else "")
            state = t("reported" if f.in_use else "set_aside")
            values = ", ".join(render(value.text(where), language) for value in f.values[:MOST_VALUES])
            broken = f.zh if language == "zh" else f.en
            quotes = f" · {escape(values)}" if values else ""
            out.print(
                f"  {escape(where)}: {f.rows:,} {state}: {broken} ({f.rule}) · {escape(keys)}{quotes}", highlight=False
            )
            if f.remedy is not None:
                out.print(f"    [green]{t('remedy')}[/] {escape(render(f.remedy, language))}", highlight=False)
    for days in report.missing:
        missing_lines(days)
    for notice in report.notices:
        out.print(f"  {t('note')} {escape(render(notice, language))}", highlight=False)
    for task in report.cannot:
        out.print(f"  [yellow]{t('cannot')}[/]  {escape(render(task, language))}", highlight=False)
    can = t("joint").join(render(task, language) for task in report.can)
    out.print(f"  [green]{t('can')}[/]     {escape(can)}", highlight=False)


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
