"""Alerts on the terminal: who was told what, and what the rules would have been worth."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from perfml.learning.validation.metrics import Estimate
from perfml.messages import Language, render
from perfml.messages.message import fill
from perfml.project.trust.alert_spec import AlertReader
from perfml.terminal.console import MOST_LISTED, out
from perfml.trust.alerts.backtest import AlertsBacktest, RuleBacktest
from perfml.trust.alerts.report import AlertReport

READERS: tuple[AlertReader, ...] = ("hr", "manager", "employee")
"""Whose text is shown on the terminal: the first of these that a rule has."""
STYLES = {"urgent": "red", "attention": "yellow", "notice": "cyan"}


def alerts_table(report: AlertReport, language: Language) -> None:
    """A line for each alert that is not resolved, with what its first reader is told; then what cannot be told."""
    counts = {"day": report.day, "alerts": len(report.alerts), "raised": len(report.raised)}
    out.print(fill("alerts_counted", language, **counts), highlight=False)
    for alert in report.alerts[:MOST_LISTED]:
        first = alert.first
        title, text = report.titles.get(first.rule), next((first.texts[r] for r in READERS if r in first.texts), None)
        state = fill(f"alert_{alert.state}_state", language)
        style = STYLES.get(report.severities.get(first.rule, ""), "cyan")
        name = first.rule if title is None else getattr(title, language)
        line = f"{first.alert_id}  {first.day}  {first.employee_id}  {name} · {state}"
        out.print(f"  [{style}]{escape(line)}[/]", highlight=False)
        if text is not None:
            out.print(f"    {escape(getattr(text, language))}", highlight=False)
        rows = ", ".join(f"{row.table} {row.key}" for row in first.rows)
        if rows:
            out.print(f"    [dim]{escape(fill('alert_rows', language, rows=rows))}[/]", highlight=False)
    if len(report.alerts) > MOST_LISTED:
        out.print(f"  … {fill('alerts_more', language, more=len(report.alerts) - MOST_LISTED)}", highlight=False)
    for rule, why in report.insufficient.items():
        title = report.titles[rule]
        out.print(f"  [dim]{escape(getattr(title, language))}: {escape(render(why, language))}[/]", highlight=False)
    if not report.leave_known:
        out.print(f"  [dim]{fill('alerts_no_leave', language)}[/]", highlight=False)
    carried = {"carried": len(report.carried.delivered), "waiting": len(report.carried.waiting)}
    out.print(f"  {fill('alerts_carried', language, **carried)}", highlight=False)
    if report.carried.problem:
        out.print(f"  [yellow]{escape(report.carried.problem)}[/]", highlight=False)


def backtest_table(tested: AlertsBacktest, language: Language) -> None:
    """A row a rule: how early, how often right against the base rate, how many."""
    out.print(
        fill("alerts_looked_back", language, looks=tested.looks, first=tested.first, last=tested.last), highlight=False
    )
    heads = ("rule", "alerts", "load", "precision", "base", "lead", "spoken")
    table = Table(*(fill(f"alerts_head_{head}", language) for head in heads), box=None, header_style="dim")
    for rule in tested.rules:
        load = "" if rule.per_100_a_month is None else f"{rule.per_100_a_month:.1f}"
        figures = (rule.precision, rule.base_rate, rule.lead_days, rule.spoken)
        title = getattr(rule.title, language)
        table.add_row(escape(title), f"{rule.alerts:,}", load, *(_figure(figure) for figure in figures))
    out.print(table)
    for rule in tested.rules:
        beside = _beside(rule, language)
        if beside is not None:
            out.print(f"  {escape(beside)}", highlight=False)
    for rule in tested.rules:
        if rule.insufficient is not None:
            why = render(rule.insufficient, language)
            out.print(f"  [dim]{escape(getattr(rule.title, language))}: {escape(why)}[/]", highlight=False)


def _beside(rule: RuleBacktest, language: Language) -> str | None:
    """How early the rule and a list of the same load named those whose outcome came; None where one is not known."""
    lists, early = rule.list_at_load, rule.early
    if lists is None or early is None or early.mean_days.value is None or lists.model.mean_days.value is None:
        return None
    return fill(
        "alerts_beside_list",
        language,
        rule=getattr(rule.title, language),
        load=rule.load or 0.0,
        days=early.mean_days.value,
        listed=early.listed.value or 0.0,
        share=lists.share,
        list_days=lists.model.mean_days.value,
        list_listed=lists.model.listed.value or 0.0,
    )


def _figure(figure: Estimate | None) -> str:
    if figure is None:
        return "—"
    digits = 0 if abs(figure.value) >= 2 else 3
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
