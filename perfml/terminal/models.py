"""Models: gates, stage, back-tests, drift, fairness and raters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.markup import escape
from rich.table import Table

from perfml.learning.record import BacktestResult, Figure
from perfml.learning.registry.artifacts import CHAMPION, cautions, pointed, read_record
from perfml.messages import render
from perfml.terminal.console import MOST_LISTED, caution_lines, out

if TYPE_CHECKING:  # LightGBM and scikit-learn take seconds to load
    from perfml.learning.fairness.run import FairnessAnswer
    from perfml.learning.registry.model_store import Model
    from perfml.learning.validation.backtest import Backtest
    from perfml.learning.validation.metrics import Estimate
    from perfml.scoring.drift.check import HorizonDrift

LEAD_FIGURES = {"listed": 2, "median_days": 0, "mean_days": 0}
"""Figures of a lead, and the decimals they are shown with."""
VERDICT_COLOURS = {
    "pass": "green",
    "fail": "red",
    "insufficient": "yellow",
    "no action": "green",
    "watch": "yellow",
    "retrain": "red",
}


def backtest_tables(name: str, backtests: Sequence[Backtest]) -> None:
    """Print each horizon's back-test beside the baseline."""
    for tested in backtests:
        table = Table(
            title=f"{name}, {tested.horizon_days} days: {render(tested.text, 'en')}",
            title_justify="left",
            title_style="bold",
        )
        for heading in ("", "model", "+".join(tested.baseline_columns) or "chance"):
            table.add_column(heading)
        for metric, estimate in tested.model.items():
            table.add_row(metric.replace("_", " "), str(estimate), str(tested.baseline[metric]))
        table.caption = (
            f"{tested.rows:,} rows, {tested.positives:,} cases, {len(tested.folds)} origins; 95 % intervals over people"
        )
        out.print(table)
        lead_table(tested)


def lead_table(tested: BacktestResult[Estimate]) -> None:
    """Print how early lists of each load named those whose outcome came, beside the baseline at the same load."""
    if not tested.lead:
        return
    first = tested.lead[0]
    title = f"how early: days from the first listing to {first.outcomes:,} outcomes; the baseline in brackets"
    table = Table(title=title, title_justify="left")
    for heading in (
        "list",
        "listed before",
        "median days of these",
        "mean days of all",
        "mean days more than the baseline",
    ):
        table.add_column(heading)
    for each in tested.lead:
        cells = [
            f"{figure_text(getattr(each.model, name), digits)} ({figure_text(getattr(each.baseline, name), digits)})"
            for name, digits in LEAD_FIGURES.items()
        ]
        table.add_row(f"{each.share:.0%}", *cells, interval_text(each.more.mean_days))
    table.caption = f"{first.unreachable:.0%} of the outcomes came before anybody could be listed, and count as missed"
    out.print(table)


def figure_text(figure: Figure, digits: int) -> str:
    """A figure without its interval."""
    return "–" if figure.value is None else f"{figure.value:.{digits}f}"


def interval_text(figure: Figure) -> str:
    """A number of days with its interval."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    return f"{figure.value:+.0f} [{figure.low:+.0f}, {figure.high:+.0f}]"


def gates_table(model: Model) -> None:
    """Print every gate of every horizon: what was measured, its limit, and what it means."""
    for days, gates in model.record.gates.items():
        table = Table(
            title=f"{model.name} {model.version}, {days} days: gates", title_justify="left", title_style="bold"
        )
        for heading in ("gate", "verdict", "measured", "limit", "which means"):
            table.add_column(heading, overflow="fold")
        for gate in gates:
            texts = (escape(render(message, "en")) for message in (gate.figure, gate.limit, gate.text))
            table.add_row(gate.name, _coloured(gate.verdict), *texts)
        out.print(table)


def stage_line(home: Path, model: Model) -> None:
    """Print whether this version is in use, and how to promote it."""
    champion = pointed(home, model.name, CHAMPION)
    if champion == model.version:
        out.print("  champion: this version is in use")
        return
    used = "in use, because no version has been promoted" if champion is None else f"{champion} stays in use"
    out.print(
        f"  candidate; {used}. To promote it: perfml promote {model.name} --approver NAME --reason WHY", highlight=False
    )
    if champion is None:
        version_cautions(home, model.name, model.version)


def version_cautions(home: Path, name: str, version: str) -> None:
    """Print what to know of a version that gives lists although nobody has promoted it."""
    caution_lines(cautions(home, name, version, read_record(home, name, version)))


def drift_table(name: str, horizons: Sequence[HorizonDrift]) -> None:
    """Print each horizon's verdict with its explanation, and the columns that moved most."""
    for horizon in horizons:
        report = horizon.report
        sentence = escape(render(report.text, "en"))
        out.print(
            f"{name} within {horizon.horizon_days} days: {_coloured(report.verdict)}  {sentence}",
            highlight=False,
        )
        if report.observed_over_expected is not None:
            seen = f"observed / expected of {horizon.outcomes_of}: {report.observed_over_expected}"
            out.print(f"  {seen}", highlight=False)
    moved = [shift for shift in horizons[0].report.columns if shift.moved][:MOST_LISTED] if horizons else []
    if moved:
        table = Table(title="columns that moved most", title_justify="left")
        for heading in ("column", "PSI beyond chance", "effect (SD)", "missing"):
            table.add_column(heading, justify="left" if heading == "column" else "right", overflow="fold")
        for shift in moved:
            table.add_row(shift.name, f"{shift.excess:.2f}", f"{shift.effect:+.2f}", f"{shift.missing:+.0%}")
        out.print(table)


def fairness_tables(name: str, answer: FairnessAnswer) -> None:
    """Print the audit of each horizon, the strongest proxies, and what each mitigation costs."""
    for days, report in answer.audits.items():
        title = f"{name} within {days} days: fairness {report.verdict}"
        table = Table(title=title, title_justify="left", title_style="bold", caption="95 % intervals over people")
        for heading in ("attribute", "metric", "value", "limit", "verdict"):
            table.add_column(heading, overflow="fold")
        for f in report.findings:
            value = "" if math.isnan(f.value.value) else str(f.value)
            table.add_row(escape(f.attribute), f.metric.replace("_", " "), value, f"{f.limit:g}", _coloured(f.verdict))
        out.print(table)
        for f in report.findings:
            if f.verdict == "fail":
                out.print(f"  [red]fail[/]  {escape(render(f.text, 'en'))}", highlight=False)
        hidden = [f"{row.group} ({row.withheld})" for rows in report.groups.values() for row in rows if row.withheld]
        if hidden:
            out.print(f"  groups not shown: {escape(', '.join(hidden))}", highlight=False)
    for attribute, proxies in answer.proxies.items():
        if not proxies:
            out.print(f"proxies of {escape(attribute)}: too few people to measure", highlight=False)
        for proxy in proxies[:3]:
            out.print(f"proxy of {escape(attribute)}: {escape(render(proxy.text, 'en'))}", highlight=False)
    if answer.cure is not None:
        table = Table(title=render(answer.cure.text, "en"), title_justify="left", title_style="bold")
        for heading in ("mitigation", "verdict", "AUC", "log loss", "price in log loss"):
            table.add_column(heading, overflow="fold")
        for option in answer.cure.options:
            figures = (str(option.auc), str(option.log_loss), str(option.price))
            table.add_row(option.cure, _coloured(option.verdict), *figures)
        out.print(table)


def raters_table(report: pd.DataFrame) -> None:
    """Print the severity of each reviewer in rating points, and how many reviewers are not shown."""
    table = Table(title="severity of reviewers, 95 % intervals", title_justify="left", title_style="bold")
    for heading in ("reviewer", "ratings", "severity", "interval", "in words", "结论"):
        table.add_column(heading, overflow="fold")
    for row in report.to_dict(orient="records"):
        low, high = row["severity_low"], row["severity_high"]
        known = low == low  # NaN is not equal to itself
        figures = (f"{row['severity']:+.2f}", f"{low:+.2f} … {high:+.2f}") if known else ("", "")
        table.add_row(
            str(row["reviewer_id"] or ""), f"{row['ratings']:,}", *figures, escape(row["en"]), escape(row["zh"])
        )
    out.print(table)


def _coloured(verdict: str) -> str:
    return f"[{VERDICT_COLOURS.get(verdict, 'yellow')}]{verdict}[/]"
