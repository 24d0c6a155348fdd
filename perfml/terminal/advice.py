"""Advice: targets, courses, priorities and the back-test of targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from perfml.advice.person import BothLanguages, HrRisk, PersonForHr, SharedPerson
from perfml.advice.suggestion_files import StoredCourse, StoredTarget, SuggestedCourse
from perfml.advice.targets.backtest import TargetBacktest, summary
from perfml.advice.targets.escalations import Escalation, escalations
from perfml.messages import Language, render
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.terminal.console import MOST_LISTED, caution_lines, out
from perfml.terminal.people import list_of_people, reason_lines, who

if TYPE_CHECKING:
    import pyarrow as pa

    from perfml.advice.priorities import Priorities

NOTHING = (
    "there is nothing to advise on at that date; name another with --as-of, `perfml check` shows what the tables span"
)


def targets_table(suggestions: pa.Table, people: Mapping[str, PersonFacts], *, most: int = MOST_LISTED) -> None:
    """Print the number of goals by status, and the first suggestions: what changes, from what, to what, and why."""
    rows: list[StoredTarget] = suggestions.to_pylist()
    _counts("goals", rows)
    escalations_list(escalations(rows))
    suggested = [row for row in rows if row["status"] == "suggested"]
    if suggested:
        out.print(_first("suggestions", len(suggested), most), style="italic")
    for row in suggested[:most]:
        facts = facts_of(people, row["employee_id"])
        named = f" {escape(row['employee_id'])}" if facts.name else ""
        head = f"[bold]{escape(facts.label)}[/]{named} · {escape(row['metric'])} · suggestion {row['suggestion_id']}"
        changes = (
            f"target {_change(row['old_target'], row['new_target'])}",
            f"weight {_change(row['old_weight'], row['new_weight'])}",
            f"chance of reaching it {_chances(row['probability_before'], row['probability_after'])}",
        )
        out.print(head, highlight=False)
        for line in (" · ".join(changes), escape(row["en"]), f"[dim]{escape(row['zh'])}[/]"):
            out.print(Padding(line, (0, 0, 0, 2)), highlight=False)
    _why_not(rows)


def rebase_list(proposals: pa.Table, people: Mapping[str, PersonFacts], *, most: int = MOST_LISTED) -> None:
    """Print the number of proposals, and the first that change an amount, in both languages."""
    rows: list[StoredTarget] = proposals.to_pylist()
    _counts("goals", rows)
    changing = [row for row in rows if row["status"] == "suggested" and row["new_target"] != row["old_target"]]
    for row in changing[:most]:
        label = facts_of(people, row["employee_id"]).label
        out.print(f"[bold]{escape(label)}[/] · suggestion {row['suggestion_id']}", highlight=False)
        for line in (escape(row["en"]), f"[dim]{escape(row['zh'])}[/]"):
            out.print(Padding(line, (0, 0, 0, 2)), highlight=False)
    _why_not(rows)


def escalations_list(cases: Sequence[Escalation]) -> None:
    """Print each case beyond the policy, in both languages."""
    for case in cases:
        out.print(f"[bold]beyond the policy[/] {case.escalation_id}: {escape(case.en)}", highlight=False)
        out.print(f"  {escape(case.zh)}", highlight=False)


def courses_table(suggestions: pa.Table, people: Mapping[str, PersonFacts], *, most: int = MOST_LISTED) -> None:
    """Print the courses of the first people in the order to take them, with the evidence for each."""
    rows: list[StoredCourse] = suggestions.to_pylist()
    _counts("rows", rows)
    taking = list(dict.fromkeys(row["employee_id"] for row in rows if row["status"] == "suggested"))
    if taking:
        table = list_of_people(_first("people with courses", len(taking), most))
        for person in taking[:most]:
            own = [row for row in rows if row["employee_id"] == person and row["status"] == "suggested"]
            table.add_row(who(people, person), "\n".join(map(_course, own)))
        out.print(table)
    _why_not(rows)


def priorities_table(priorities: Priorities, people: Mapping[str, PersonFacts]) -> None:
    """Print the list, the people whose setting needs support, and how many cases the list is expected to hold."""
    head = f"{priorities.model} within {priorities.horizon_days} days, as of {priorities.as_of}"
    setting, further = priorities.owned_by_others, len(priorities.further_settings)
    more = f", and {further:,} more with lower risk" if further else ""
    groups = {
        f"{head}: {len(priorities.people)} to talk to": priorities.people,
        f"support the setting: {len(setting):,} people most of whose raised risk others own{more}": setting,
    }
    caution_lines(priorities.cautions)
    for title, listed in groups.items():
        if listed:
            table = list_of_people(title, "#", "risk")
            for person in listed:
                risk = f"{person.probability:.0%}"
                table.add_row(who(people, person.employee_id), str(person.rank), risk, reason_lines(person.reasons))
            out.print(table)
    if priorities.guarantee is not None:
        for language in get_args(Language):
            out.print(escape(render(priorities.guarantee.text, language)), style="bold", highlight=False)
    out.print(escape(priorities.en), highlight=False)
    out.print(escape(priorities.zh), highlight=False)
    if priorities.backtested is not None and priorities.backtested.precision is not None:
        tested = priorities.backtested
        low, high = (100 * (end or 0.0) for end in (tested.low, tested.high))
        out.print(
            f"In the past, of 100 people on lists of this size {100 * (tested.precision or 0.0):.0f} had the outcome"
            f" ({low:.0f} to {high:.0f}).",
            highlight=False,
        )
    unlisted = {
        "held out at random": [person.employee_id for person in priorities.hold_out],
        "help already under way": [person.employee_id for person in priorities.lasting],
    }
    for what, ids in unlisted.items():
        if ids:
            names = ", ".join(facts_of(people, person).label for person in ids[:MOST_LISTED])
            more = f" and {len(ids) - MOST_LISTED} more" if len(ids) > MOST_LISTED else ""
            out.print(f"  {what}: {len(ids)} ({escape(names)}{more})", highlight=False)
    reasons = Counter(f"{render(held.why, 'en')} {render(held.why, 'zh')}" for held in priorities.held)
    for why, n in reasons.most_common():
        out.print(f"  held 暂缓: {n} ({escape(why)})", highlight=False)


def person_summary(bundle: SharedPerson) -> None:
    """Print one person: each risk with its reasons and owners, then targets, courses and offers, in both languages."""
    head = bundle.employee_id
    if isinstance(bundle, PersonForHr):
        known = [bundle.name, bundle.department, bundle.role_family, bundle.manager_name or bundle.manager_id]
        head = " · ".join([head, *(fact for fact in known if fact)])
    out.print(f"[bold]{escape(head)}[/]", highlight=False)
    for risk in bundle.risks:
        status = f"{risk.status}, provisional 暂定" if risk.provisional else risk.status
        out.print(f"{escape(risk.title.en)} {escape(risk.title.zh)}, {risk.as_of}: {status}", highlight=False)
        if isinstance(risk, HrRisk):
            for each in risk.horizons:
                if each.probability is not None:
                    listed = f", rank {each.rank}, {each.band}" if each.rank is not None else ", no list: a gate failed"
                    out.print(f"  {each.horizon_days} days: {each.probability:.0%}{listed}", highlight=False)
            for why in {each.why_not for each in risk.horizons if each.why_not}:
                _both(why)
            for each in risk.horizons:
                if each.stale is not None:
                    out.print(
                        f"  {each.horizon_days} days: last good score {each.stale.probability:.0%}, of {each.stale.as_of}"
                        f" 最近一次有效评分 {each.stale.as_of}",
                        highlight=False,
                    )
            if risk.setting:
                out.print("  others own most of it: support the setting 大部分应由他人解决：改善环境", highlight=False)
        for reason in risk.reasons:
            _both(reason.text)
    for target in bundle.targets:
        if target.text is not None:
            _both(target.text)
    for course in bundle.courses:
        if course.text is not None:
            _both(course.text)
    for offer in bundle.offers if isinstance(bundle, PersonForHr) else ():
        out.print(f"  {escape(offer.kind)} {offer.status}, offered on {offer.offered_on}", highlight=False)


def _both(text: BothLanguages) -> None:
    out.print(f"  - {escape(text.en)}\n    {escape(text.zh)}", highlight=False)


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


def _course(row: SuggestedCourse) -> str:
    """One course: its place, its title, the gap, and why."""
    proposed = ", to confirm" if row["tag_source"] == "proposed" else ""
    why = "; ".join(line["zh"] if _chinese(row) else line["en"] for line in row["why"])
    return (
        f"{row['rank']}. [bold]{escape(row['title'])}[/] for {escape(row['tag'])}{proposed}\n   [dim]{escape(why)}[/]"
    )


def _counts(what: str, rows: Sequence[StoredTarget | StoredCourse]) -> None:
    counts = Counter(row["status"] for row in rows)
    states = ", ".join(f"{n:,} {status}" for status, n in counts.most_common())
    out.print(f"{len(rows):,} {what}: {states or NOTHING}")


def _first(what: str, count: int, most: int) -> str:
    return f"{count:,} {what}" + (f", the first {most}" if count > most else "")


def _change(old: float, new: float | None) -> str:
    return f"{old:,.6g}" if new is None or new == old else f"{old:,.6g} → [bold]{new:,.6g}[/]"


def _chances(before: float, after: float) -> str:
    """Both probabilities, or one where a person reads no difference."""
    return f"{before:.0%}" if f"{before:.0%}" == f"{after:.0%}" else f"{before:.0%} → [bold]{after:.0%}[/]"


def _chinese(row: SuggestedCourse) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in row["tag"] or "")


def _why_not(rows: Sequence[StoredTarget | StoredCourse]) -> None:
    reasons = Counter(row["why_not_en"] for row in rows if row["why_not_en"])
    for why, n in reasons.most_common(5):
        out.print(f"  {n:,} × {escape(why)}", highlight=False)
