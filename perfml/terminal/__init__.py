"""What a person sees in the terminal: progress on long work, and tables that fit its width."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rich.progress
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from perfml.evidence.check import CheckReport
from perfml.messages.reasons import owner_text
from perfml.progress import Progress
from perfml.reasons.leading import for_others

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from pyarrow.dataset import Dataset

    from perfml.learning.fairness.run import FairnessAnswer
    from perfml.learning.registry.model_store import Model
    from perfml.learning.validation.backtest import Backtest
    from perfml.scoring.drift_check import HorizonDrift

MOST_LISTED = 10
out = Console()
err = Console(stderr=True)


class ProgressBar(Progress):
    """One line of a rich display; a new task takes the place of the one before."""

    def __init__(self, display: rich.progress.Progress) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, task: str, done: int, total: int) -> None:
        """Move the bar of ``task`` to ``done`` of ``total``."""
        if task not in self._tasks:
            for earlier in self._tasks.values():
                self._display.update(earlier, visible=False)
            self._tasks[task] = self._display.add_task(escape(task), total=max(total, 1))
        self._display.update(self._tasks[task], completed=done, total=max(total, 1), visible=True)


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a progress bar on standard error, to be given to :class:`perfml.Project`."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    hidden = not sys.stderr.isatty()
    with rich.progress.Progress(*columns, console=err, transient=True, disable=hidden) as display:
        yield ProgressBar(display)


def check_table(report: CheckReport) -> None:
    """Print what ``perfml check`` found."""
    for problem in report.problems:
        out.print(f"  [red]problem[/] {escape(problem)}", highlight=False)
    table = Table(title=escape(report.source), title_justify="left")
    for heading in ("table", "rows", "people", "span", "set aside", "gaps"):
        table.add_column(heading, justify="right" if heading in ("rows", "people", "set aside") else "left")
    for t in report.tables:
        if not t.there:
            table.add_row(f"[dim]{t.name}", "[dim]–", "", "[dim]absent", "", "")
            continue
        aside = sum(f.rows for f in t.findings if not f.kept)
        gaps = f"{len(t.gaps)} months, first {t.gaps[0]}" if t.gaps else ""
        people = "" if t.employees is None else f"{t.employees:,}"
        table.add_row(
            t.name,
            f"{t.rows:,}",
            people,
            f"{t.first} … {t.last}" if t.first else "",
            f"[red]{aside:,}" if aside else "0",
            gaps,
        )
    out.print(table)
    for t in report.tables:
        for f in t.findings:
            what = f"{t.name}.{f.column}" if f.column else t.name
            keys = ", ".join(f.first_keys) + (" …" if f.rows > len(f.first_keys) else "")
            state = "reported" if f.kept else "set aside"
            out.print(f"  {escape(what)}: {f.rows:,} {state}: {f.en} ({f.rule}) · {escape(keys)}", highlight=False)
    for notice in report.notices:
        out.print(f"  note: {escape(notice)}", highlight=False)
    for able in report.cannot:
        out.print(f"  [yellow]cannot[/]  {escape(able)}", highlight=False)
    out.print(f"  [green]can[/]     {escape(', '.join(report.can))}", highlight=False)


def backtest_tables(name: str, backtests: Sequence[Backtest]) -> None:
    """Print each horizon's back-test beside the baseline."""
    for tested in backtests:
        table = Table(
            title=f"{name}, {tested.horizon_days} days: {tested.en}", title_justify="left", title_style="bold"
        )
        for heading in ("", "model", "+".join(tested.baseline_columns) or "chance"):
            table.add_column(heading)
        for metric, estimate in tested.model.items():
            table.add_row(metric.replace("_", " "), str(estimate), str(tested.baseline[metric]))
        table.caption = (
            f"{tested.rows:,} rows, {tested.positives:,} cases, {len(tested.folds)} origins; 95 % intervals over people"
        )
        out.print(table)


VERDICTS = {
    "pass": "green",
    "fail": "red",
    "insufficient": "yellow",
    "no action": "green",
    "watch": "yellow",
    "retrain": "red",
}


def _judged(verdict: str) -> str:
    return f"[{VERDICTS.get(verdict, 'yellow')}]{verdict}[/]"


def gates_table(model: Model) -> None:
    """Print every gate of every horizon: what was measured, its limit, and what it means."""
    for days, gates in model.about["gates"].items():
        table = Table(
            title=f"{model.name} {model.version}, {days} days: gates", title_justify="left", title_style="bold"
        )
        for heading in ("gate", "verdict", "measured", "limit", "which means"):
            table.add_column(heading, overflow="fold")
        for gate in gates:
            said = (gate["figure"], gate["limit"], gate["en"])
            table.add_row(gate["name"], _judged(gate["verdict"]), *(escape(text) for text in said))
        out.print(table)


def stage(home: Path, model: Model) -> None:
    """Say whether this version is used, and how it becomes the one that is."""
    from perfml.learning.registry.artifacts import CHAMPION, pointed

    champion = pointed(home, model.name, CHAMPION)
    if champion == model.version:
        out.print("  it is the champion: scores are made with it")
        return
    used = (
        "no version has been promoted, so scores are made with it" if champion is None else f"{champion} stays in use"
    )
    out.print(
        f"  candidate; {used}. To promote it: perfml promote {model.name} --approver NAME --reason WHY", highlight=False
    )


def drift_table(name: str, found: Sequence[HorizonDrift]) -> None:
    """Print each horizon's verdict with its sentence, and the columns that moved most."""
    for one in found:
        report = one.report
        out.print(
            f"{name} within {one.horizon_days} days: {_judged(report.verdict)}  {escape(report.en)}", highlight=False
        )
        if report.observed_over_expected is not None:
            seen = f"observed / expected of {one.outcomes_of}: {report.observed_over_expected}"
            out.print(f"  {seen}", highlight=False)
    moved = [shift for shift in found[0].report.columns if shift.moved][:MOST_LISTED] if found else []
    if moved:
        table = Table(title="evidence that moved most", title_justify="left")
        for heading in ("column", "PSI beyond chance", "effect (SD)", "missing"):
            table.add_column(heading, justify="left" if heading == "column" else "right", overflow="fold")
        for shift in moved:
            table.add_row(shift.name, f"{shift.excess:.2f}", f"{shift.effect:+.2f}", f"{shift.missing:+.0%}")
        out.print(table)


def fairness_tables(name: str, found: FairnessAnswer) -> None:
    """Print the audit of each horizon, the strongest proxies, and what a cure costs."""
    for days, report in found.audits.items():
        title = f"{name} within {days} days: fairness {report.verdict}"
        table = Table(title=title, title_justify="left", title_style="bold", caption="95 % intervals over people")
        for heading in ("attribute", "metric", "value", "limit", "verdict"):
            table.add_column(heading, overflow="fold")
        for f in report.findings:
            value = "" if f.verdict == "insufficient" else str(f.value)
            table.add_row(escape(f.attribute), f.metric.replace("_", " "), value, f"{f.limit:g}", _judged(f.verdict))
        out.print(table)
        for f in report.findings:
            if f.verdict == "fail":
                out.print(f"  [red]fail[/]  {escape(f.en)}", highlight=False)
    for attribute, proxies in found.proxies.items():
        if not proxies:
            out.print(f"proxies of {escape(attribute)}: too few people to tell", highlight=False)
        for proxy in proxies[:3]:
            out.print(f"proxy of {escape(attribute)}: {escape(proxy.en)}", highlight=False)
    if found.cure is not None:
        table = Table(title=found.cure.en, title_justify="left", title_style="bold")
        for heading in ("cure", "verdict", "AUC", "log loss", "price in log loss"):
            table.add_column(heading, overflow="fold")
        for option in found.cure.options:
            figures = (str(option.auc), str(option.log_loss), str(option.price))
            table.add_row(option.cure, _judged(option.verdict), *figures)
        out.print(table)


def raters_table(report: pd.DataFrame) -> None:
    """Print who rates how severely, in rating points, and say how many are not shown."""
    table = Table(title="severity of reviewers, 95 % intervals", title_justify="left", title_style="bold")
    for heading in ("reviewer", "ratings", "severity", "interval", "in words", "结论"):
        table.add_column(heading, overflow="fold")
    for row in report.to_dict(orient="records"):
        low, high = row["severity_low"], row["severity_high"]
        known = low == low
        figures = (f"{row['severity']:+.2f}", f"{low:+.2f} … {high:+.2f}") if known else ("", "")
        table.add_row(
            str(row["reviewer_id"] or ""), f"{row['ratings']:,}", *figures, escape(row["en"]), escape(row["zh"])
        )
    out.print(table)


def list_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Print the at-risk list: rank, person, probability and the leading reasons.

    *setting* stands where others own every leading reason: it is then the setting that needs support.
    """
    table = Table(title=title, title_justify="left", show_lines=True)
    for heading in ("#", "who", "risk", "band"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why, and who can act", ratio=1, overflow="fold")
    for row in rows:
        lines = [
            f"{escape(r['en'])} [dim]({owner_text(r['owner'], r['steady'], 'en')})[/]"
            for r in row["reasons"][:3]
            if r["evidence"] != "other"
        ]
        band = f"{row['band']}\n[dim]setting[/]" if for_others(row["reasons"]) else row["band"]
        table.add_row(str(row["rank"]), escape(row["employee_id"]), f"{row['probability']:.0%}", band, "\n".join(lines))
    out.print(table)


def held_counts(scores: Dataset) -> list[str]:
    """Why people are held, the most frequent first: ``events: wrong_type (12)``."""
    return [f"{why} ({n:,})" for why, n in _counted(scores, "why_not") if why]


def score_counts(scores: Dataset) -> str:
    """``480 scored, 20 thin`` of score rows."""
    return ", ".join(f"{n:,} {status}" for status, n in _counted(scores, "status"))


def _counted(scores: Dataset, column: str) -> list[tuple[str | None, int]]:
    """The values of a column, the most frequent first."""
    counts = scores.to_table([column]).column(0).value_counts().to_pylist()
    return [(one["values"], one["counts"]) for one in sorted(counts, key=lambda one: -one["counts"])]


def show_list(scores: Dataset, *, most: int = MOST_LISTED) -> None:
    """Print the head of the list of the newest as-of date and each horizon, or the honest refusal.

    ``scores``: rows as ``perfml.scoring.scoring.SCHEMA`` has them, in memory or in files; only those shown are read whole.
    """
    from pyarrow.compute import field

    newest = max(scores.to_table(["as_of"]).column(0).unique().to_pylist())
    now = field("as_of") == newest
    for days in sorted(scores.to_table(["horizon_days"], filter=now).column(0).unique().to_pylist()):
        here = now & (field("horizon_days") == days)
        acting = here & (field("band") == "act")
        count = scores.count_rows(filter=acting)
        name = scores.head(1, ["model"]).column(0)[0].as_py()
        if count:
            first = scores.to_table(filter=acting & (field("rank") <= most)).sort_by("rank").to_pylist()
            list_table(first, f"{name} within {days} days, as of {newest}: {count} to talk to, the first {len(first)}")
        elif scores.count_rows(filter=here & (field("status") == "scored")):
            out.print(f"[yellow]{name} within {days} days: a gate failed (see `perfml train`): no list[/]")


def explanation(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one person's rows, in English and Chinese."""
    for row in rows:
        head = f"{row['employee_id']} · {row['model']} within {row['horizon_days']} days · as of {row['as_of']}"
        if row["status"] != "scored":
            out.print(f"{escape(head)}: {row['status']}" + (f" ({escape(row['why_not'])})" if row["why_not"] else ""))
            continue
        if row["rank"] is None:
            out.print(f"[yellow]{escape(head)}: a gate failed; do not act on it[/]")
        table = Table(title=f"{escape(head)}: {row['probability']:.1%}", title_justify="left")
        for heading in ("log-odds", "who can act", "why", "原因"):
            table.add_column(heading, justify="right" if heading == "log-odds" else "left", overflow="fold")
        for r in row["reasons"]:
            owner = "" if r["evidence"] == "other" else owner_text(r["owner"], r["steady"], "en")
            table.add_row(f"{r['contribution']:+.2f}", owner, escape(r["en"]), escape(r["zh"]))
        table.caption = (
            f"base {row['base_value']:+.2f}, sum {row['margin']:+.2f}; {row['model']} {row['model_version']}"
        )
        out.print(table)


def rows_lines(found: Mapping[str, pd.DataFrame], employee: str) -> None:
    """Print rows of the company's own tables, a line each: what they hold, without ``employee`` and what is empty."""
    for name, rows in found.items():
        out.print(f"[bold]{escape(name)}[/]: {len(rows):,} rows, the newest first", highlight=False)
        for row in rows.astype(object).where(rows.notna(), None).to_dict("records"):
            held = {
                str(key): str(value).removesuffix(" 00:00:00")
                for key, value in row.items()
                if value is not None and value != employee
            }
            out.print(
                "  " + " · ".join(f"[dim]{escape(key)}[/] {escape(value)}" for key, value in held.items()),
                highlight=False,
            )
    if not found:
        out.print("no row of this person is behind it")
