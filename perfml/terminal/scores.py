"""Scores: the at-risk list, counts, and one person's explanation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow.compute import field
from pyarrow.dataset import Dataset
from rich.markup import escape
from rich.padding import Padding

from perfml.messages import Language, Message, both, render, stored_message
from perfml.messages.reasons import owner_text
from perfml.reasons.leading import UNLISTED, for_others, raising
from perfml.scoring.against.comparison import GroupComparison, VoicedComparison
from perfml.scoring.people.files import PersonFacts
from perfml.scoring.score_files import DEBT_COLUMNS, RankedRow, StoredScore
from perfml.scoring.voiced import VoicedScore
from perfml.scoring.withheld.withholding import NOBODY, Withholding, why_held
from perfml.terminal.console import MOST_LISTED, out
from perfml.terminal.people import list_of_people, reason_lines, who

if TYPE_CHECKING:  # LightGBM and scikit-learn take seconds to load
    from perfml.advice.served import ServedCheck
    from perfml.scoring.replay import Replay
    from perfml.scoring.what_if.prediction import WhatIfPrediction

REPLAYED = {"replay_same": "green", "replay_differs": "red", "replay_unknown": "yellow"}
"""Colours of the outcomes of a replay."""


def list_table(
    rows: Sequence[RankedRow], people: Mapping[str, PersonFacts], title: str, *, others_share: float
) -> None:
    """Print the at-risk list: who, rank, probability, band and the leading reasons.

    *setting* marks people of whose raised risk others own at least ``others_share``: it is then the setting that needs support.
    """
    table = list_of_people(title, "#", "risk")
    for row in rows:
        setting = "\n[dim]setting[/]" if for_others(row["reasons"], others_share) else ""
        risk = f"{row['probability']:.0%}\n{row['band']}{setting}"
        table.add_row(who(people, row["employee_id"]), str(row["rank"]), risk, reason_lines(raising(row["reasons"])))
    out.print(table)


def show_list(
    scores: Dataset,
    people: Mapping[str, PersonFacts],
    *,
    others_share: float,
    held: Withholding = NOBODY,
    most: int = MOST_LISTED,
) -> None:
    """Print the head of the list of the newest as-of date and each horizon, or that a failed gate leaves no list.

    ``scores``: rows as ``perfml.scoring.batches.rows.SCHEMA`` has them, in memory or in files; only those shown are read in full.
    ``people``: who they are; ``others_share``: of the model's ``[reasons]``; ``held``: who is withheld from them.
    """
    newest = max(scores.to_table(["as_of"]).column(0).unique().to_pylist())
    now = field("as_of") == newest
    for days in sorted(scores.to_table(["horizon_days"], filter=now).column(0).unique().to_pylist()):
        horizon = now & (field("horizon_days") == days)
        acting = (
            horizon & (field("band") == "act") & ~field("employee_id").isin(pa.array(list(held.people), pa.string()))
        )
        count = scores.count_rows(filter=acting)
        name = scores.head(1, ["model"]).column(0)[0].as_py()
        if held.everyone is not None:
            out.print(escape(" ".join(both(why_held(held.everyone)).values())), highlight=False)
        elif count:
            first = scores.to_table(filter=acting & (field("rank") <= most)).sort_by("rank").to_pylist()
            title = f"{name} within {days} days, as of {newest}: {count} to talk to, the first {len(first)}"
            list_table(first, people, title, others_share=others_share)
        elif scores.count_rows(filter=horizon & (field("status") == "scored")):
            out.print(f"[yellow]{name} within {days} days: a gate failed (see `perfml train`): no list[/]")


def held_counts(scores: Dataset) -> list[str]:
    """Why people are held, most frequent first: ``events: the value is not of the column's type (12)``."""
    return [f"{render(stored_message(why), 'en')} ({n:,})" for why, n in _counted(scores, "why_not") if why]


def debt_counts(scores: Dataset) -> Message | None:
    """How many people's scores the days missing from the log could move or hold; None where no day is missing."""
    if not set(DEBT_COLUMNS) <= set(scores.schema.names):
        return None
    ids = {
        name: scores.to_table(["employee_id"], filter=rows).column(0).unique()
        for name, rows in (
            ("band", field("probability_low").is_valid()),
            ("changes", field("list_may_change")),
            ("known", field("list_may_change").is_valid()),
        )
    }
    late = scores.to_table(["employee_id", "why_not"], filter=field("status") == "held").to_pylist()
    held = {row["employee_id"] for row in late if "hold_missing_days" in (row["why_not"] or "")}
    if not len(ids["known"]) and not held:
        return None
    return Message.of("scores_in_debt", band=len(ids["band"]), changes=len(ids["changes"]), held=len(held))


def score_counts(scores: Dataset) -> str:
    """``480 scored, 20 thin`` of score rows."""
    return ", ".join(f"{n:,} {status}" for status, n in _counted(scores, "status"))


def explanation(rows: Sequence[StoredScore]) -> None:
    """Print one person's rows, in English and Chinese."""
    for row in rows:
        head = f"{row['employee_id']} · {row['model']} within {row['horizon_days']} days · as of {row['as_of']}"
        if row["status"] != "scored":
            _unscored(head, row["status"], None if row["why_not"] is None else stored_message(row["why_not"]))
            continue
        if row["rank"] is None:
            out.print(f"[yellow]{escape(head)}: a gate failed; do not act on it[/]")
        out.print(f"[bold]{escape(head)}: about {row['probability']:.0%}[/]")
        for reason in row["reasons"]:
            mark = "[red]▲[/]" if reason["contribution"] > 0 else "[green]▼[/]"
            owner = "" if reason["evidence"] == UNLISTED else owner_text(reason["owner"], reason["steady"], "en")
            out.print(
                Padding(f"{mark} {escape(reason['en'])}" + (f" [dim]({owner})[/]" if owner else ""), (0, 0, 0, 2))
            )
            out.print(Padding(f"[dim]{escape(reason['zh'])}[/]", (0, 0, 0, 4)))
        out.print(
            f"  [dim]log-odds: base {row['base_value']:+.2f}, sum {row['margin']:+.2f}; {row['model']} {row['model_version']}[/]"
        )


def voiced_reasons(rows: Sequence[VoicedScore]) -> None:
    """Print what a manager or an employee may read, in English and Chinese."""
    for row in rows:
        head = f"{row.employee_id} · {row.model} within {row.horizon_days} days · as of {row.as_of}"
        if row.status != "scored":
            _unscored(head, row.status, row.why_not)
            continue
        out.print(f"[bold]{escape(head)}[/]")
        for reason in row.reasons:
            out.print(Padding(escape(reason.en), (0, 0, 0, 2)))
            out.print(Padding(f"[dim]{escape(reason.zh)}[/]", (0, 0, 0, 4)))


def comparisons(rows: Sequence[GroupComparison | VoicedComparison]) -> None:
    """Print one person's reasons against a reference group, in English and Chinese."""
    for row in rows:
        head = f"{row.employee_id} · {row.model} within {row.horizon_days} days · as of {row.as_of}"
        if row.status != "explained":
            _unscored(head, row.status, row.why_not)
            continue
        out.print(f"[bold]{escape(head)}[/]")
        out.print(Padding(" ".join(escape(text) for text in both(row.compared).values()), (0, 0, 0, 2)))
        for reason in row.reasons:
            en, zh = (reason["en"], reason["zh"]) if isinstance(reason, dict) else (reason.en, reason.zh)
            out.print(Padding(escape(en), (0, 0, 0, 2)))
            out.print(Padding(f"[dim]{escape(zh)}[/]", (0, 0, 0, 4)))
        if not isinstance(row, VoicedComparison):
            out.print(
                f"  [dim]log-odds: mean of {row.others} others {row.base_value:+.2f}, sum {row.margin:+.2f};"
                f" {row.model} {row.model_version}[/]"
            )


def what_if_lines(predicted: WhatIfPrediction, language: Language) -> None:
    """Print the prediction with and without the changes, what may change how far, and that it is no promise."""
    head = f"{predicted.employee_id} · {predicted.model} · {predicted.horizon_days} d · {predicted.as_of}"
    out.print(f"[bold]{escape(head)}[/]", highlight=False)
    before, after = (f"{share:.1%}" for share in (predicted.before, predicted.after))
    out.print(f"  {before}" + (f" → {after}" if predicted.changes else ""), highlight=False)
    taken = {each.of.evidence: each.value for each in predicted.changes}
    for each in predicted.possible:
        label = each.column.zh if language == "zh" else each.column.en
        own = "–" if each.own is None else f"{each.own:g}"
        now = own + (f" → {taken[each.evidence]:g}" if each.evidence in taken else "")
        out.print(
            f"  {escape(each.evidence)}: {escape(label)} {now} [dim]({each.low:g} … {each.high:g})[/]", highlight=False
        )
    out.print(Padding(f"[dim]{escape(render(Message.of('what_if_note'), language))}[/]", (0, 0, 0, 2)))


def replay_lines(replays: Iterable[Replay | ServedCheck], summary: Message | None, language: Language) -> None:
    """Print whether each recomputes to the last digit, else what differs and which libraries are other ones than then; and the
    ``summary`` of a sample."""
    for replayed in replays:
        out.print(f"[{REPLAYED[replayed.text.code]}]{escape(render(replayed.text, language))}[/]", highlight=False)
        for detail in replayed.details:
            out.print(f"  {escape(render(detail, language))}", highlight=False)
    if summary is not None:
        out.print(escape(render(summary, language)), highlight=False)


def _unscored(head: str, status: str, why_not: Message | None) -> None:
    """Print why there is no score, in English and Chinese."""
    out.print(f"{escape(head)}: {status}" + (f" ({escape(render(why_not, 'en'))})" if why_not else ""))
    if why_not:
        out.print(Padding(f"[dim]{escape(render(why_not, 'zh'))}[/]", (0, 0, 0, 4)))


def _counted(scores: Dataset, column: str) -> list[tuple[str | None, int]]:
    """The values of a column with their counts, most frequent first."""
    counts = scores.to_table([column]).column(0).value_counts().to_pylist()
    return [(entry["values"], entry["counts"]) for entry in sorted(counts, key=lambda entry: -entry["counts"])]
