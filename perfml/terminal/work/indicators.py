"""Metrics of goals on the terminal: which mislead, which tell something, and which measure is missing."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from perfml.goals.indicators.record import IndicatorsRecord
from perfml.messages import render
from perfml.terminal.console import out

VERDICTS = {
    "misleads": "[red]misleads 可能误导[/]",
    "moves with": "moves with goals 同向",
    "no association": "no association shown 未见关联",
    "nothing to compare": "nothing to compare with 无可比较",
    "insufficient": "insufficient 数据不足",
}


def indicators_table(record: IndicatorsRecord) -> None:
    """A row a metric, those that mislead first, and the measures that are missing."""
    for notice in record.notices:
        out.print(escape(f"{render(notice, 'en')} · {render(notice, 'zh')}"), highlight=False, soft_wrap=True)
    table = Table("metric 指标", "results 结果", "people 人数", "verdict 判断", box=None, header_style="dim")
    order = list(VERDICTS)
    metrics = sorted(record.metrics, key=lambda each: order.index(each.verdict))
    for each in metrics:
        table.add_row(escape(each.metric), f"{each.goals:,}", f"{each.people:,}", VERDICTS[each.verdict])
    if metrics:
        out.print(table)
    for each in metrics:
        for reason in each.reasons if each.flags else ():
            for language in ("en", "zh"):
                out.print(
                    f"  [red]{escape(each.metric)}[/]  {escape(render(reason, language))}",
                    highlight=False,
                    soft_wrap=True,
                )
    out.print(
        f"recorded measures that stand in nobody's goals: {record.looked_at} looked at · "
        f"未列入任何目标的已记录度量：共比较 {record.looked_at} 项",
        highlight=False,
    )
    for missing in record.missing:
        out.print(f"  [yellow]{escape(render(missing.reason, 'en'))}[/]", highlight=False, soft_wrap=True)
        out.print(f"  [yellow]{escape(render(missing.reason, 'zh'))}[/]", highlight=False, soft_wrap=True)
