"""A policy on the terminal: expected numbers as it is and with it, and what is known of its effect."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from perfml.json_types import JsonObject
from perfml.learning.record import rendered
from perfml.messages import Language, render
from perfml.scoring.what_if.record import ExpectedRecord, PolicyRecord, UnitExpectedRecord
from perfml.terminal.console import out


def policy_json(record: PolicyRecord) -> JsonObject:
    """The record with every sentence in both languages."""
    json = rendered(record.model_dump(mode="json", exclude={"note", "refused"}))
    assert isinstance(json, dict)
    texts = {"note": record.note, "refused": record.refused}
    return json | {
        name: None if text is None else {"en": render(text, "en"), "zh": render(text, "zh")}
        for name, text in texts.items()
    }


def policy_lines(record: PolicyRecord, language: Language) -> None:
    """Print whom it concerns, the expected numbers by horizon and department, the effects, and that a prediction is none."""
    title = record.zh if language == "zh" else record.en
    out.print(f"[bold]{escape(title)}[/] · {escape(record.model)} · {record.as_of}", highlight=False)
    for shift in record.shifts:
        name = shift.zh if language == "zh" else shift.en
        taken = "–" if shift.taken is None else f"{shift.taken:.3g}"
        out.print(
            f"  {escape(name)}: {shift.limit:g} [dim](→ {taken}; {shift.unknown} unknown 无记录)[/]", highlight=False
        )
    if record.refused is not None:
        out.print(escape(render(record.refused, language)), highlight=False, soft_wrap=True)
    for horizon in record.horizons:
        table = Table(
            *("department 部门", "people 人数", "concerned 涉及", "expected 预期", "with it 实施后"),
            box=None,
            header_style="dim",
            title=f"{horizon.horizon_days} d",
            title_justify="left",
        )
        for each in (horizon.whole, *horizon.departments):
            table.add_row(*_cells(each))
        out.print(table)
    for effect in record.effects:
        out.print(escape(render(effect.text, language)), highlight=False, soft_wrap=True)
    out.print(f"[dim]{escape(render(record.note, language))}[/]", highlight=False, soft_wrap=True)


def _cells(each: ExpectedRecord) -> list[str]:
    name = escape(each.department or "–") if isinstance(each, UnitExpectedRecord) else "all 全部"
    if each.before is None or each.after is None:
        return [name, f"{each.people:,}", "", "withheld 不显示", ""]
    return [name, f"{each.people:,}", f"{each.concerned:,}", f"{each.before:.1f}", f"{each.after:.1f}"]
