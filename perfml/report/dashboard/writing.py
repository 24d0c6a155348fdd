"""The dashboard of one model as one HTML file, in English and Chinese; it reads the same without its script."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
from markupsafe import Markup

from perfml.evidence.columns import Column
from perfml.learning.registry.model_store import Model
from perfml.messages import Language
from perfml.messages.values import UNITS_ZH, value_text
from perfml.report import wording
from perfml.report.contents.facts import collect_facts
from perfml.report.dashboard.bars import chances, waterfall_rows
from perfml.report.dashboard.drawing import bars, dependence
from perfml.report.dashboard.explained import FEWEST_PEOPLE, Explained, ValueGroup
from perfml.report.dashboard.people import RankedPerson
from perfml.report.pictures import WaterfallStep, waterfall
from perfml.report.report import in_language, write_page


def write_dashboard(
    out: Path,
    *,
    model: Model,
    scores: pa.Table,
    explained: Sequence[Explained | None],
    people: Mapping[int, Sequence[RankedPerson]],
    as_of: dt.date,
) -> Path:
    """Write the dashboard of ``model`` at ``as_of`` to ``out``, and return its path.

    ``scores`` as :func:`perfml.scoring.scoring.score` returns them; ``explained``: one for each horizon, ascending;
    ``people``: those of each horizon's list. Raises
    :class:`ModelError` for scores that do not belong to the model or the date.
    """
    facts = collect_facts(model, scores, as_of)
    values: dict[str, object] = {
        "facts": facts,
        "as_of": as_of,
        "fewest": FEWEST_PEOPLE,
        "horizons": [
            (horizon, each, people[horizon.days]) for horizon, each in zip(facts.horizons, explained, strict=True)
        ],
        "waterfall": waterfall_rows,
        "chances": chances,
    }

    def pictures(language: Language) -> dict[str, object]:
        zh = language == "zh"

        def name(reason: str) -> str:
            if reason == "other":
                return "其他依据" if zh else "All other evidence"
            return wording.reason_name(facts.columns, reason, language)

        def importance(each: Explained) -> Markup:
            sizes = [(name(reason), size) for reason, size in each.importance]
            return Markup(bars(sizes, title="重要性" if zh else "Importance"))

        def average(each: Explained) -> Markup:
            steps = [WaterfallStep(name(reason), more) for reason, more in each.steps]
            start, end = ("全体", "风险最高的人") if zh else ("everyone scored", "those at highest risk")
            return Markup(waterfall(base=each.base, steps=steps, start=start, end=end, title=f"{start} → {end}"))

        def along(column: Column, groups: Sequence[ValueGroup]) -> Markup:
            label, unit = (column.zh, UNITS_ZH.get(column.unit)) if zh else (column.en, column.unit)
            if column.unit in UNITS_ZH:  # else it is no unit that people write
                label = f"{label}（{unit}）" if zh else f"{label} ({unit})"
            return Markup(dependence(groups, label=label, adds="对数几率" if zh else "log-odds", title=label))

        return {
            "importance": importance,
            "average": average,
            "dependence": along,
            "value": partial(value_text, language=language),
        }

    title = f"{model.spec.en} · {model.spec.zh}"
    return write_page(
        out,
        "dashboard.html.j2",
        title=title,
        values=values,
        texts=lambda language: in_language(language, (), facts.columns, {}) | pictures(language),
    )
