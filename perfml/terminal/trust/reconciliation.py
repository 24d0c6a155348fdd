"""Definitions of metrics and their reconciliation: tables of what is in force, gaps, and bridges."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from perfml.messages import Language, Message, render
from perfml.project.trust.metrics import MetricsSpec
from perfml.report.reconciliation.drawing import signed
from perfml.report.reconciliation.writing import STANDINGS, bridge_steps
from perfml.terminal.console import out
from perfml.trust.definitions.report import DefinitionsReport
from perfml.trust.entity_names import entity_message
from perfml.trust.reconciliation.bridge import Reconciled
from perfml.trust.reconciliation.reconcile import Reconciliation

DEFINITION_COLUMNS = (
    "definition_column_metric",
    "definition_column_meaning",
    "definition_column_version",
    "definition_column_owner",
    "definition_column_in_force",
)
GAP_COLUMNS = (
    "reconcile_column_gap",
    "reconcile_column_percent",
    "reconcile_column_missing",
    "reconcile_column_unexplained",
    "reconcile_column_days",
)


def definitions_table(report: DefinitionsReport, language: Language) -> None:
    """Print each metric with its meaning, version and sign-off, and what clashes."""
    if report.metrics:
        table = Table()
        for code in DEFINITION_COLUMNS:
            table.add_column(_text(code, language), overflow="fold")
        for each in report.metrics:
            signed_off = each.version.sign_off if each.version else None
            version = each.spec.label + (f" ({signed_off.by})" if signed_off else "")
            meaning = f"{each.spec.basis} · {each.spec.attribution} · {each.spec.unit}"
            force = _text("definition_in_force" if each.in_force else "definition_not_in_force", language)
            name = each.spec.zh if language == "zh" else each.spec.en
            table.add_row(*map(escape, (f"{name} ({each.name})", meaning, version, each.spec.owner, force)))
        out.print(table)
    else:
        _line(Message.of("reconcile_nothing_defined"), language)
    for each in report.metrics:
        for clash, entities in each.clashes:
            names = ", ".join(render(entity_message(entity), language) for entity in entities)
            out.print(escape(render(clash.message, language) + (f": {names}" if names else "")), highlight=False)
    for undefined in report.undefined:
        _line(undefined.message, language)
    for other in report.other_versions:
        _line(other.message, language)


def reconciliation_table(reconciliation: Reconciliation, metrics: MetricsSpec, language: Language) -> None:
    """Print the clashes, and the gap of each judged entity beside the limit."""
    out.print(_text("reconcile_title", language, as_of=str(reconciliation.as_of)), style="bold", highlight=False)
    for clash in reconciliation.clashes:
        out.print(
            f"[{'red' if clash.stops else 'yellow'}]{escape(render(clash.message, language))}[/]", highlight=False
        )
    for notice in reconciliation.notices:
        _line(notice, language)
    for metric, month in dict.fromkeys((row.metric, row.month) for row in reconciliation.rows):
        rows = [row for row in reconciliation.rows if (row.metric, row.month) == (metric, month)]
        spec = metrics.metrics[metric]
        title = f"{spec.zh if language == 'zh' else spec.en} ({metric}), {month:%Y-%m}, {spec.unit}"
        table = Table(
            title=escape(title),
            title_justify="left",
            title_style="bold",
            box=None,
            header_style="dim",
            padding=(0, 1, 0, 0),
        )
        table.add_column(_text("reconcile_entity", language), no_wrap=True, overflow="ellipsis", min_width=10)
        for code in GAP_COLUMNS:
            table.add_column(_text(code, language), justify="right", no_wrap=True)
        table.add_column(_text("reconcile_standing", language), no_wrap=True)
        for row in rows:
            table.add_row(*map(escape, _gap_cells(row, spec.decimals, language)))
        out.print(table)
    if reconciliation.rows:
        _line(Message.of("reconcile_days_note"), language)


def _gap_cells(row: Reconciled, decimals: int, language: Language) -> list[str]:
    percent = row.matched.percent
    amounts = (row.matched.gap, row.matched.missing, row.matched.gap - row.matched.missing)
    gap, missing, unexplained = (signed(amount, decimals) for amount in amounts)
    return [
        render(entity_message(row.entity), language),
        gap,
        "–" if percent is None else f"{percent:.2f}",
        missing,
        unexplained,
        f"{row.closed_days}/{row.days}" + (f" −{row.missing_days}" if row.missing_days else ""),
        render(STANDINGS[row.standing], language),
    ]


def bridge_table(row: Reconciled, metrics: MetricsSpec, language: Language) -> None:
    """Print the bridge of one entity: total, parts, total."""
    name = f"{render(entity_message(row.entity), language)} · {row.metric} · {row.month:%Y-%m}"
    table = Table(title=escape(name), title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    steps = bridge_steps(row, metrics=metrics, language=language)
    for number, step in enumerate(steps):
        total = number in (0, len(steps) - 1)
        decimals = metrics.metrics[row.metric].decimals
        table.add_row(
            escape(step.label),
            f"{step.amount:,.{decimals}f}" if total else signed(step.amount, decimals),
            style="bold" if total else None,
        )
    out.print(table)


def _line(message: Message, language: Language) -> None:
    out.print(escape(render(message, language)), highlight=False)


def _text(code: str, language: Language, **values: str) -> str:
    return render(Message.of(code, **values), language)
