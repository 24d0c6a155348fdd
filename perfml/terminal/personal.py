"""What can be said about a person beside the score: their rows, their figures beside others', brief and card."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape

from perfml.advice.talks.brief import OneToOneBrief
from perfml.advice.talks.card import DevelopmentCard
from perfml.advice.talks.goals import GoalReview
from perfml.advice.talks.lines import SourceRow, TalkLine, plain
from perfml.messages import Bilingual, Language
from perfml.messages.message import fill
from perfml.outgoing.facts.own import OwnEligibility
from perfml.scoring.personal.peers import PeerFigures
from perfml.scoring.personal.record import PersonalRecord
from perfml.terminal.console import out

MOST_ROWS = 20
"""Rows of a table that are printed."""


def text_of(text: Bilingual, language: Language) -> str:
    """The text in one language."""
    return text.zh if language == "zh" else text.en


def record_tables(record: PersonalRecord, language: Language) -> None:
    """Print rows with the meaning of their columns, newest first."""
    _withheld(record.withheld, language)
    for table in record.tables:
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


def brief_lines(brief: OneToOneBrief, language: Language) -> None:
    """Print the brief of a one-to-one, part by part, each line with the rows it comes from."""
    if _withheld(brief.withheld, language):
        return
    _heading("brief_goals", language)
    for goal in brief.goals:
        _line(goal_text(goal, language), goal.sources)
    _part("brief_success", brief.success_factors, language, brief.nothing_on_record)
    _part("brief_wishes", brief.wishes, language)
    for question in brief.questions:
        out.print(f"[bold]{escape(text_of(question.question, language))}[/]", highlight=False)
        _lines(question.lines, language)
    _part("brief_to_mend", brief.to_mend, language)


def card_lines(card: DevelopmentCard, language: Language) -> None:
    """Print a development card, part by part, each line with the rows it comes from."""
    if _withheld(card.withheld, language):
        return
    _part("card_reviews", card.reviews, language)
    _part("card_strengths", card.strengths, language, card.nothing_on_record)
    for code, lines in (("card_gaps", card.gaps), ("card_projects", card.projects), ("card_courses", card.courses)):
        _part(code, lines, language)


def eligibility_lines(answer: OwnEligibility, language: Language) -> None:
    """Print each opening that a person asked to be considered for, and why not yet."""
    if _withheld(answer.withheld, language):
        return
    head = fill("eligibility_head", language, employee=answer.employee_id, as_of=answer.as_of)
    out.print(f"[bold]{escape(head)}[/]", highlight=False)
    for each in answer.openings:
        whole = f"{each.title or each.opening_id}: {text_of(each.text, language)}"
        out.print(f"  • {escape(whole)} [dim]\\[{escape(each.opening_id)}][/]", highlight=False)
    if not answer.openings:
        out.print(f"  {fill('eligibility_none', language)}", highlight=False)


def goal_text(goal: GoalReview, language: Language) -> str:
    """One goal as a sentence: how far it is, its target, and the forecast where there is any."""
    actual = fill("not_recorded", language) if goal.actual is None else plain(goal.actual)
    parts = {"metric": goal.metric, "actual": actual, "target": plain(goal.target), "weight": plain(goal.weight)}
    text = fill("brief_goal", language, status=fill(f"goal_{goal.status}", language), end=goal.period_end, **parts)
    if goal.expected is None:
        return text
    return text + fill("brief_forecast", language, expected=goal.expected, low=goal.low, high=goal.high)


def _withheld(withheld: Bilingual | None, language: Language) -> bool:
    if withheld is not None:
        out.print(escape(text_of(withheld, language)), highlight=False)
    return withheld is not None


def _heading(code: str, language: Language) -> None:
    out.print(f"[bold]{escape(fill(code, language))}[/]", highlight=False)


def _part(code: str, lines: Iterable[TalkLine], language: Language, without: Bilingual | None = None) -> None:
    """Print a part; ``without``: what is printed where it has no line."""
    _heading(code, language)
    _lines(lines, language)
    if without is not None:
        out.print(f"  {escape(text_of(without, language))}", highlight=False)


def _lines(lines: Iterable[TalkLine], language: Language) -> None:
    for line in lines:
        _line(text_of(line.text, language), line.sources)


def _line(text: str, sources: Iterable[SourceRow]) -> None:
    """Print a line with the rows it comes from; of more than two the first, and how many more."""
    rows = [f"{source.table} {source.key or source.day}" for source in sources]
    more = f" +{len(rows) - 1}" if len(rows) > 2 else ""
    quoted = f" [dim]\\[{escape('; '.join(rows[: 1 if more else 2]))}{more}][/]" if rows else ""
    out.print(f"  • {escape(text)}{quoted}", highlight=False)
