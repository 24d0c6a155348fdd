"""A proposed mapping at the terminal: each table with its columns and reasons, the questions, and the first rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.prompt import Prompt
from rich.table import Table

from perfml.mapping.proposal import MappingProposal, Question, TableProposal
from perfml.messages import Language, render
from perfml.messages.message import fill
from perfml.project.mapping_spec import ColumnMapping
from perfml.terminal.console import out

WIDTH = 80
"""Characters of a line."""
MARKS = {"sure": "", "assumed": "~", "asked": "?"}
STYLES = {"sure": "green", "assumed": "yellow", "asked": "red"}


def proposal_tables(proposal: MappingProposal, language: Language) -> None:
    """Print one table for each table of the proposal, and what was not read."""
    for problem in proposal.problems:
        out.print(f"  [red]!![/] {escape(str(problem))}", highlight=False)
    for table in proposal.tables:
        out.print(_table(table, language))
        ignored = proposal.ignored(table.sheet)
        if ignored:
            out.print(f"  [dim]{escape(fill('mapping_not_read', language, columns=', '.join(ignored)))}")
    if proposal.unused:
        titles = ", ".join(sheet.title for sheet in proposal.unused)
        out.print(f"  [yellow]{escape(fill('mapping_unused', language, titles=titles))}", highlight=False)


def _table(table: TableProposal, language: Language) -> Table:
    title = fill("mapping_heading", language, table=table.table, title=_origin(table))
    shown = Table(title=escape(title), title_justify="left", width=WIDTH)
    headings = fill("mapping_columns", language).split("|")
    for heading, ratio in zip(headings, (3, 4, 1, 6), strict=True):
        shown.add_column(heading, ratio=ratio, overflow="fold", min_width=5 if ratio == 1 else None)
    for column in table.columns:
        origin = " + ".join(column.reads) or (f"= {column.mapping.constant}" if column.mapping.constant else "–")
        sure = f"[{STYLES[column.standing]}]{column.confidence:.0%}{MARKS[column.standing]}"
        shown.add_row(column.target, escape(origin), sure, escape(render(column.reason, language)))
    if table.unpivot is not None:
        for name, label in table.unpivot.columns.items():
            shown.add_row(f"kind = {label}", escape(name), "", escape(fill("mapping_unpivoted", language)))
    return shown


def _origin(table: TableProposal) -> str:
    sheet = table.sheet
    return " ".join(part for part in (sheet.file or sheet.title, sheet.sheet) if part)


def first_rows(table: str, rows: pd.DataFrame, language: Language) -> None:
    """Print the first rows of a table as they are read: a line a column, a column a row, within 80 characters."""
    title = fill("mapping_first_rows", language, table=table)
    shown = Table(title=escape(title), title_justify="left", width=WIDTH, show_header=False)
    shown.add_column(ratio=2, overflow="ellipsis", no_wrap=True)
    for _ in range(len(rows)):
        shown.add_column(ratio=3, overflow="ellipsis", no_wrap=True)
    for name, values in rows.items():
        shown.add_row(str(name), *(escape(_cell(value)) for value in values))
    out.print(shown)


def _cell(value: Any) -> str:
    """One value as text; a list (skills of a course) as a mapping would read it."""
    if isinstance(value, np.ndarray | list):
        return "; ".join(map(str, value))
    return "" if pd.isna(value) else str(value).removesuffix(" 00:00:00")


def ask(proposal: MappingProposal, language: Language) -> Mapping[tuple[str, str], ColumnMapping | None]:
    """Ask every question at the terminal; return the answers."""
    return {
        (question.table, question.column.target): _answer(question, language)
        for question in proposal.questions()
        if question.column.choices
    }


def _answer(question: Question, language: Language) -> ColumnMapping | None:
    choices = question.column.choices
    out.print(f"[bold]{escape(question_text(question, language))}", highlight=False)
    for number, choice in enumerate(choices, start=1):
        out.print(f"  {number}  {escape(render(choice.text, language))}", highlight=False)
    numbers = [str(number) for number in range(1, len(choices) + 1)]
    chosen = Prompt.ask(fill("mapping_choose", language), choices=numbers, default="1", console=out)
    return choices[int(chosen) - 1].mapping


def question_text(question: Question, language: Language) -> str:
    """A question, with the column it is asked for."""
    reason = render(question.column.reason, language)
    return fill("mapping_question", language, table=question.table, column=question.column.target, question=reason)


def question_lines(proposal: MappingProposal, language: Language) -> None:
    """Print the open questions and what is assumed, one line each."""
    for question in proposal.questions():
        mark = MARKS[question.column.standing]
        out.print(f"  {mark} {escape(question_text(question, language))}", highlight=False)
