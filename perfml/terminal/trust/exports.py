"""Exports on the terminal: what is defined, what was sent, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from perfml.messages import Language
from perfml.messages.message import fill
from perfml.outgoing.ledger import ExportDelivery
from perfml.outgoing.sending import recipient_of
from perfml.project.trust.export_spec import ExportSchedule, ExportsSpec
from perfml.terminal.console import out


def exports_table(spec: ExportsSpec, language: Language) -> None:
    """A row an export."""
    table = _table(("name", "what", "format", "due", "recipient", "purpose"), language)
    for name, each in spec.exports.items():
        due = _due(each.schedule, language)
        table.add_row(name, each.what, each.format, due, escape(recipient_of(each)), each.purpose)
    out.print(table)


def run_lines(deliveries: Sequence[ExportDelivery], problems: Sequence[str], language: Language) -> None:
    """A line for each delivery of a run, and for each export that could not be made."""
    for each in deliveries:
        text = fill(
            "export_sent",
            language,
            export=each.export,
            as_of=each.as_of,
            state=fill(f"export_{each.state}", language),
            rows=f"{each.rows:,}",
            recipient=each.recipient,
            delivery=each.delivery_id,
        )
        out.print(escape(text), highlight=False)
        if each.problem:
            out.print(f"  [yellow]{escape(each.problem)}[/]", highlight=False)
    for problem in problems:
        out.print(f"[red]{escape(problem)}[/]", highlight=False)
    if not deliveries and not problems:
        out.print(fill("export_none_due", language))


def ledger_table(deliveries: Sequence[ExportDelivery], language: Language) -> None:
    """A row a delivery, the newest last."""
    if not deliveries:
        out.print(fill("export_none_sent", language))
        return
    table = _table(("opened_at", "name", "as_of", "recipient", "rows", "attempts", "state", "delivery"), language)
    for each in deliveries:
        table.add_row(
            *(each.opened_at[:16], each.export, each.as_of, escape(each.recipient), f"{each.rows:,}"),
            *(str(each.attempts), fill(f"export_{each.state}", language), each.delivery_id),
        )
    out.print(table)


def _table(heads: Sequence[str], language: Language) -> Table:
    return Table(*(fill(f"export_head_{head}", language) for head in heads), box=None, header_style="dim")


def _due(schedule: ExportSchedule | None, language: Language) -> str:
    if schedule is None:
        return fill("export_asked", language)
    return fill(f"export_{schedule.every}", language, on=schedule.on, day=schedule.day)


def prepared_table(counts: Mapping[str, int]) -> None:
    """How many facts there are of each kind."""
    for kind, count in counts.items():
        out.print(f"{kind}: {count:,} rows · {count:,} 行", highlight=False)
