"""Notices, packages and retention on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from perfml.messages import Language, Message, render
from perfml.terminal.console import MOST_LISTED, out
from perfml.trust.governance.checklist import Check
from perfml.trust.notices.notice_log import NoticeState
from perfml.trust.notices.retention import Retention

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def state_json(state: NoticeState) -> dict[str, object]:
    """The state of one person as JSON."""
    return asdict(state)


def notices_table(states: Mapping[str, NoticeState]) -> None:
    """Counts, and the people who opted out or whose package is due."""
    given = sum(bool(state.notices) for state in states.values())
    out.print(f"{given:,} people have a notice · {given:,} 人有告知记录", highlight=False)
    table = Table("person 员工", "opted out 退出", "package due for 待提供说明", box=None, header_style="dim")
    open_ = {
        person: [outcome for outcome in state.outcomes if outcome.package_on is None]
        for person, state in states.items()
    }
    rows = [person for person, state in states.items() if state.opted_out_on is not None or open_[person]]
    for person in rows[:MOST_LISTED]:
        due = "; ".join(f"{each.on} {each.what}" for each in open_[person])
        table.add_row(escape(person), str(states[person].opted_out_on or ""), escape(due))
    if rows:
        out.print(table)
    if len(rows) > MOST_LISTED:
        out.print(f"  … and {len(rows) - MOST_LISTED:,} more · 另有 {len(rows) - MOST_LISTED:,} 人")


def governance_table(checks: Sequence[Check]) -> None:
    """A row a rule: its verdict, its evidence in both languages and, where it does not pass, the remedy."""
    style = {"pass": "green", "fail": "red", "unknown": "yellow"}
    for check in checks:
        for language in LANGUAGES:
            verdict = render(Message.of(f"governance_{check.verdict}"), language)
            line = f"{render(check.title, language)}: {render(check.evidence, language)}"
            out.print(f"[{style[check.verdict]}]{verdict}[/]  {escape(line)}", highlight=False)
            if check.verdict != "pass":
                out.print(f"      [dim]{escape(render(check.remedy, language))}[/]", highlight=False)


def retention_lines(due: Retention) -> None:
    """What is older than records are kept, and whether it was erased."""
    entries = sum(due.entries.values())
    what = f"{len(due.files):,} files and {entries:,} entries from before {due.before}, {due.people:,} people in the audit log"
    state = (
        "erased 已删除"
        if due.erased
        else "to be erased with --apply 待删除"
        if due.is_due
        else "nothing to erase 无需删除"
    )
    out.print(f"{what}: {state}", highlight=False)
