"""What is held about one person, table by table."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape

from perfml.messages import Bilingual, Language
from perfml.messages.message import fill
from perfml.scoring.personal.peers import PeerFigures
from perfml.scoring.personal.record import RecordTable
from perfml.terminal.console import out

MOST_ROWS = 20
"""Rows of a table that are printed."""


def text_of(text: Bilingual, language: Language) -> str:
    """The text in one language."""
    return text.zh if language == "zh" else text.en


def record_tables(tables: Iterable[RecordTable], withheld: Bilingual | None, language: Language) -> None:
    """Print rows with the meaning of their columns, newest first."""
    if withheld is not None:
        out.print(escape(text_of(withheld, language)), highlight=False)
    for table in tables:
        rows = len(table.rows)
        out.print(f"[bold]{escape(text_of(table.title, language))}[/] ({table.name}): {rows:,}", highlight=False)
        if table.used_for:
            used = ", ".join(text_of(each, language) for each in table.used_for)
            out.print(f"  [dim]{escape(fill('record_used_for', language, evidence=used))}[/]", highlight=False)
        labels = {column.name: text_of(column.label, language) for column in table.columns}
        for row in table.rows[:MOST_ROWS]:
            values = " · ".join(f"[dim]{escape(labels[name])}[/] {escape(value)}" for name, value in row.values.items())
            key = "" if row.key is None else f" [dim]\\[{escape(row.key)}][/]"
            out.print(f"  {row.day}{key} {values}", highlight=False)
        if rows > MOST_ROWS:
            out.print(f"  {fill('record_more', language, rows=rows - MOST_ROWS)}", highlight=False)


def peer_lines(figures: PeerFigures, language: Language) -> None:
    """Print each figure of a person beside others, one line each."""
    for text in [figures.withheld] if figures.withheld is not None else [figure.text for figure in figures.figures]:
        out.print(escape(text_of(text, language)), highlight=False)
