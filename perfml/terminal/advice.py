"""Targets, courses and priorities as tables that fit the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from perfml.messages.reasons import owner_text
from perfml.terminal import MOST_LISTED, out

if TYPE_CHECKING:
    import pyarrow as pa

    from perfml.advice.priorities import ListedPerson, Priorities
    from perfml.advice.targets.backtest import TargetBacktest

Row = Mapping[str, Any]


def targets_table(found: pa.Table, *, most: int = MOST_LISTED) -> None:
    """Print how many goals stand how, and the first suggestions with what they move, from what and why."""
    rows = found.to_pylist()
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
                _moved(row["old_target"], row["new_target"]),
                _moved(row["old_weight"], row["new_weight"]),
                f"{row['probability_before']:.0%} → {row['probability_after']:.0%}",
                f"{escape(row['en'])}\n{escape(row['zh'])}",
            )
        out.print(table)
    _why_not(rows)


def courses_table(found: pa.Table, *, most: int = MOST_LISTED) -> None:
    """Print the courses of the first people, the first to take first, with what speaks for each."""
    rows = found.to_pylist()
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


def priorities_table(found: Priorities) -> None:
    """Print the list, the settings that need support, and what can be expected of the list."""
    head = f"{found.model} within {found.horizon_days} days, as of {found.as_of}"
    if found.people:
        out.print(_people(found.people, f"{head}: {len(found.people)} to talk to"))
    if found.owned_by_others:
        title = f"support the setting: {len(found.owned_by_others)} whose leading reasons others own"
        out.print(_people(found.owned_by_others[:MOST_LISTED], title))
    out.print(escape(found.en), highlight=False)
    out.print(escape(found.zh), highlight=False)
    if found.backtested is not None and found.backtested.precision is not None:
        tested = found.backtested
        span = f"[{tested.low:.0%}, {tested.high:.0%}]"
        out.print(
            f"back-test: of lists of {tested.share:.1%} of the people, {tested.precision:.0%} {escape(span)} had the outcome",
            highlight=False,
        )
    apart = {
        "held out at random": [one.employee_id for one in found.hold_out],
        "held": [one.employee_id for one in found.held],
        "under way already": [one.employee_id for one in found.lasting],
    }
    for what, people in apart.items():
        if people:
            names = ", ".join(people[:MOST_LISTED]) + (" …" if len(people) > MOST_LISTED else "")
            out.print(f"  {what}: {len(people)} ({escape(names)})", highlight=False)


def target_backtest(name: str, found: TargetBacktest) -> None:
    """Print how far forecasts were off at past dates, beside seasonal-naive; the signals; and what hindsight says."""
    from perfml.advice.targets.backtest import summary

    table = Table(title=f"{name}: {found.periods} periods", title_justify="left", title_style="bold")
    for heading in ("period gone", "goals", "error of attainment", "over seasonal-naive", "80 % interval holds"):
        table.add_column(heading, overflow="fold")
    for row in summary(found):
        table.add_row(*(escape(cell) for cell in row))
    table.caption = "95 % intervals over owners"
    out.print(table)
    for verdict in found.signals:
        cost = f"; without it the error is {found.ablation[verdict.name]:.3f} ×" if verdict.used else ""
        out.print(f"  {escape(verdict.en)}{cost}", highlight=False)
    if found.directions is not None and found.directions.suggested:
        said = found.directions
        out.print(
            f"  hindsight confirms the direction of {said.confirmed} of {said.suggested} suggested targets"
            f" ({said.by_chance:.0f} by chance)"
        )


def _people(people: Sequence[ListedPerson], title: str) -> Table:
    table = Table(title=title, title_justify="left", show_lines=True)
    for heading in ("#", "who", "risk"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why, and who can act", ratio=1, overflow="fold")
    for one in people:
        lines = [f"{escape(r['en'])} [dim]({owner_text(r['owner'], r['steady'], 'en')})[/]" for r in one.reasons]
        table.add_row(str(one.rank), escape(one.employee_id), f"{one.probability:.0%}", "\n".join(lines))
    return table


def _counts(what: str, rows: Sequence[Row]) -> None:
    counts = Counter(row["status"] for row in rows)
    out.print(f"{len(rows):,} {what}: " + ", ".join(f"{n:,} {status}" for status, n in counts.most_common()))


def _first(what: str, there: int, most: int) -> str:
    return f"{there:,} {what}" + (f", the first {most}" if there > most else "")


def _moved(old: float, new: float | None) -> str:
    return f"{old:,.6g}" if new is None or new == old else f"{old:,.6g} → [bold]{new:,.6g}[/]"


def _chinese(row: Row) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in row["tag"] or "")


def _why_not(rows: Sequence[Row]) -> None:
    reasons = Counter(row["why_not_en"] for row in rows if row["why_not_en"])
    for why, n in reasons.most_common(5):
        out.print(f"  {n:,} × {escape(why)}", highlight=False)
