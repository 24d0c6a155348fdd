"""Scores: the at-risk list, counts, and one person's explanation."""

from __future__ import annotations

from collections.abc import Sequence

from pyarrow.compute import field
from pyarrow.dataset import Dataset
from rich.markup import escape
from rich.table import Table

from perfml.messages.reasons import owner_text
from perfml.reasons.leading import for_others
from perfml.scoring.score_files import RankedRow, StoredScore
from perfml.terminal.console import MOST_LISTED, out


def list_table(rows: Sequence[RankedRow], title: str) -> None:
    """Print the at-risk list: rank, person, probability and the leading reasons.

    *setting* marks people whose leading reasons are all owned by others: it is then the setting that needs support.
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


def show_list(scores: Dataset, *, most: int = MOST_LISTED) -> None:
    """Print the head of the list of the newest as-of date and each horizon, or that a failed gate leaves no list.

    ``scores``: rows as ``perfml.scoring.scoring.SCHEMA`` has them, in memory or in files; only the rows shown are read in full.
    """
    newest = max(scores.to_table(["as_of"]).column(0).unique().to_pylist())
    now = field("as_of") == newest
    for days in sorted(scores.to_table(["horizon_days"], filter=now).column(0).unique().to_pylist()):
        horizon = now & (field("horizon_days") == days)
        acting = horizon & (field("band") == "act")
        count = scores.count_rows(filter=acting)
        name = scores.head(1, ["model"]).column(0)[0].as_py()
        if count:
            first = scores.to_table(filter=acting & (field("rank") <= most)).sort_by("rank").to_pylist()
            list_table(first, f"{name} within {days} days, as of {newest}: {count} to talk to, the first {len(first)}")
        elif scores.count_rows(filter=horizon & (field("status") == "scored")):
            out.print(f"[yellow]{name} within {days} days: a gate failed (see `perfml train`): no list[/]")


def held_counts(scores: Dataset) -> list[str]:
    """Why people are held, most frequent first: ``events: wrong_type (12)``."""
    return [f"{why} ({n:,})" for why, n in _counted(scores, "why_not") if why]


def score_counts(scores: Dataset) -> str:
    """``480 scored, 20 thin`` of score rows."""
    return ", ".join(f"{n:,} {status}" for status, n in _counted(scores, "status"))


def explanation(rows: Sequence[StoredScore]) -> None:
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


def _counted(scores: Dataset, column: str) -> list[tuple[str | None, int]]:
    """The values of a column with their counts, most frequent first."""
    counts = scores.to_table([column]).column(0).value_counts().to_pylist()
    return [(entry["values"], entry["counts"]) for entry in sorted(counts, key=lambda entry: -entry["counts"])]
