"""What processes owe, on the terminal: by process, and by department; groups of few people are withheld."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from perfml.goals.process_debt.groups import GroupDebt, by_group, whole
from perfml.goals.process_debt.ledger import ProcessDebtReport
from perfml.json_types import JsonObject
from perfml.messages import both, render
from perfml.project.spec import DisclosureRules
from perfml.terminal.console import MOST_LISTED, out


def process_debt_json(report: ProcessDebtReport, rules: DisclosureRules) -> JsonObject:
    """Sums, and what is owed to whom."""
    rows = report.rows
    return {
        "as_of": str(report.as_of),
        "processes": [asdict(each) for each in whole(rows)],
        "departments": [asdict(each) for each in by_group(rows, "department", rules)],
        "owed": [
            {**asdict(row), "as_of": str(row.as_of), "since": str(row.since), **both(row.text)}
            for row in rows
            if row.owed
        ],
        "notices": [both(notice) for notice in report.notices],
    }


def process_debt_table(report: ProcessDebtReport, rules: DisclosureRules) -> None:
    """A row a process and department, and the managers to whom most items belong."""
    for notice in report.notices:
        out.print(escape(f"{render(notice, 'en')} · {render(notice, 'zh')}"), highlight=False)
    table = Table(
        *(
            "process 流程",
            "department 部门",
            "people 人数",
            "owed to 拖欠",
            "days 天",
            "hours 小时",
            "of the risk 占风险",
        ),
        box=None,
        header_style="dim",
    )
    rows = report.rows
    for total in whole(rows):
        _add(table, total, "all 全部")
        own = [row for row in rows if row.process == total.process]
        for each in by_group(own, "department", rules) if total.owed else ():
            _add(table, each, each.group or "–")
    out.print(table)
    managers = Counter(row.manager_id for row in rows if row.owed and row.owner == "manager" and row.manager_id)
    for manager, count in managers.most_common(MOST_LISTED):
        out.print(f"  {escape(manager)}  {count} items · {count} 项", highlight=False)


def _add(table: Table, group: GroupDebt, name: str) -> None:
    figures = (
        ["withheld 不予显示", "", "", ""]
        if group.withheld
        else [
            f"{group.owed:,}",
            f"{group.days:,}",
            "" if group.hours is None else f"{group.hours:,.1f}",
            "" if group.risk_share is None else f"{group.risk_share:.1%}",
        ]
    )
    table.add_row(escape(group.process), escape(name), f"{group.people:,}", *figures)
