"""Advice: targets, courses, priorities and the back-test of targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from perfml.advice.suggestion_files import StoredCourse, StoredTarget, SuggestedCourse
from perfml.advice.targets.backtest import TargetBacktest, summary
from perfml.messages.reasons import owner_text
from perfml.terminal.console import MOST_LISTED, out

if TYPE_CHECKING:
    import pyarrow as pa

    from perfml.advice.priorities import ListedPerson, Priorities


def targets_table(suggestions: pa.Table, *, most: int = MOST_LISTED) -> None:
    """Print the number of goals by status, and the first suggestions: what changes, from what, to what, and why."""
    rows: list[StoredTarget] = suggestions.to_pylist()
    _counts("goals", rows)
    suggested = [row for row in rows if row["status"] == "suggested"]
    if suggested:
        table = Table(title=_first("suggestions", len(suggested), most), title_justify="left", show_lines=True)
        for heading in ("suggestion", "who", "goal", "target", "weight", "reached"):
            table.add_column(heading, no_wrap=heading == "suggestion", overflow="fold")
        table.add_column("why 原因", ratio=1, overflow="fold")
        for row in suggested[:most]:
            table.add_row(
                row["suggestion_id"],
                escape(row["employee_id"]),
                escape(row["metric"]),
                _change(row["old_target"], row["new_target"]),
                _change(row["old_weight"], row["new_weight"]),
                f"{row['probability_before']:.0%} → {row['probability_after']:.0%}",
                f"{escape(row['en'])}\n{escape(row['zh'])}",
            )
        out.print(table)
    _why_not(rows)


def courses_table(suggestions: pa.Table, *, most: int = MOST_LISTED) -> None:
    """Print the courses of the first people in the order to take them, with the evidence for each."""
    rows: list[StoredCourse] = suggestions.to_pylist()
    _counts("rows", rows)
    people = list(dict.fromkeys(row["employee_id"] for row in rows if row["status"] == "suggested"))
    if people:
        table = Table(title=_first("people with courses", len(people), most), title_justify="left", show_lines=True)
        for heading in ("who", "#", "course", "for the gap"):
            table.add_column(heading, overflow="fold")
        table.add_column("why 原因", ratio=1, overflow="fold")
        for row in rows:
            if row["status"] == "suggested" and row["employee_id"] in people[:most]:
                proposed = " (proposed)" if row["tag_source"] == "proposed" else ""
                table.add_row(
                    escape(row["employee_id"]),
                    str(row["rank"]),
                    escape(row["title"]),
                    escape(row["tag"]) + proposed,
                    "\n".join(escape(line["zh"] if _chinese(row) else line["en"]) for line in row["why"]),
                )
        out.print(table)
    _why_not(rows)


def priorities_table(priorities: Priorities) -> None:
    """Print the list, the people whose setting needs support, and how many cases the list is expected to hold."""
    head = f"{priorities.model} within {priorities.horizon_days} days, as of {priorities.as_of}"
    if priorities.people:
        out.print(_people(priorities.people, f"{head}: {len(priorities.people)} to talk to"))
    if priorities.owned_by_others:
        title = (
            f"support the setting: {len(priorities.owned_by_others)} people whose leading reasons are owned by others"
        )
        out.print(_people(priorities.owned_by_others[:MOST_LISTED], title))
    out.print(escape(priorities.en), highlight=False)
    out.print(escape(priorities.zh), highlight=False)
    if priorities.backtested is not None and priorities.backtested.precision is not None:
        tested = priorities.backtested
        span = f"[{tested.low:.0%}, {tested.high:.0%}]"
        out.print(
            f"back-test: in lists of {tested.share:.1%} of the people, {tested.precision:.0%} {escape(span)} had the outcome",
            highlight=False,
        )
    unlisted = {
        "held out at random": [person.employee_id for person in priorities.hold_out],
        "held": [person.employee_id for person in priorities.held],
        "help already under way": [person.employee_id for person in priorities.lasting],
    }
    for what, people in unlisted.items():
        if people:
            names = ", ".join(people[:MOST_LISTED]) + (" …" if len(people) > MOST_LISTED else "")
            out.print(f"  {what}: {len(people)} ({escape(names)})", highlight=False)


def target_backtest(name: str, backtest: TargetBacktest) -> None:
    """Print forecast errors beside seasonal-naive, the verdict on each signal, and how many directions were confirmed."""
    table = Table(title=f"{name}: {backtest.periods} periods", title_justify="left", title_style="bold")
    for heading in ("period elapsed", "goals", "error of attainment", "over seasonal-naive", "80 % interval coverage"):
        table.add_column(heading, overflow="fold")
    for row in summary(backtest):
        table.add_row(*(escape(cell) for cell in row))
    table.caption = "95 % intervals over owners"
    out.print(table)
    for verdict in backtest.signals:
        cost = f"; without it the error is {backtest.ablation[verdict.name]:.3f} ×" if verdict.used else ""
        out.print(f"  {escape(verdict.en)}{cost}", highlight=False)
    if backtest.directions is not None and backtest.directions.suggested:
        directions = backtest.directions
        out.print(
            f"  hindsight confirms the direction of {directions.confirmed} of {directions.suggested} suggested targets"
            f" ({directions.by_chance:.0f} by chance)"
        )


def _people(people: Sequence[ListedPerson], title: str) -> Table:
    table = Table(title=title, title_justify="left", show_lines=True)
    for heading in ("#", "who", "risk"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why, and who can act", ratio=1, overflow="fold")
    for person in people:
        lines = [f"{escape(r['en'])} [dim]({owner_text(r['owner'], r['steady'], 'en')})[/]" for r in person.reasons]
        table.add_row(str(person.rank), escape(person.employee_id), f"{person.probability:.0%}", "\n".join(lines))
    return table


def _counts(what: str, rows: Sequence[StoredTarget | StoredCourse]) -> None:
    counts = Counter(row["status"] for row in rows)
    out.print(f"{len(rows):,} {what}: " + ", ".join(f"{n:,} {status}" for status, n in counts.most_common()))


def _first(what: str, count: int, most: int) -> str:
    return f"{count:,} {what}" + (f", the first {most}" if count > most else "")


def _change(old: float, new: float | None) -> str:
    return f"{old:,.6g}" if new is None or new == old else f"{old:,.6g} → [bold]{new:,.6g}[/]"


def _chinese(row: SuggestedCourse) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in row["tag"] or "")


def _why_not(rows: Sequence[StoredTarget | StoredCourse]) -> None:
    reasons = Counter(row["why_not_en"] for row in rows if row["why_not_en"])
    for why, n in reasons.most_common(5):
        out.print(f"  {n:,} × {escape(why)}", highlight=False)
