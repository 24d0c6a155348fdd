"""The report as one HTML file: whom to support, why, and whether to believe it.

Each language is a whole document in itself, and a switch that needs no script shows one of them. Nothing is loaded from
anywhere: a content security policy inside the file forbids it too. Everything that comes from data is escaped.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jinja2
import pyarrow as pa
from markupsafe import Markup

from perfml._version import __version__
from perfml.errors import ModelError
from perfml.files import write_text
from perfml.learning.registry.model_store import Model
from perfml.reasons.leading import for_others, raising
from perfml.report import gates, wording
from perfml.report.advice import PARTS, TARGET_STATUSES, Advice
from perfml.report.facts import MEASURES, Horizon, ModelFacts, tell
from perfml.report.overview import Leads, leading, summary
from perfml.report.pictures import Bin, Compared, Interval, Step, calibration, comparison, percent, target, waterfall
from perfml.words import Language

LANGUAGES: tuple[Language, ...] = ("en", "zh")
WIDE, NARROW = 560.0, 330.0
"""Widths at which each picture is drawn: text in an SVG that is scaled down cannot be read on a telephone."""
SEGMENT_LISTED = 5
"""People of each segment; all of them stand in the whole list too."""
Stage = Literal["champion", "candidate"]


def write_report(
    out: Path,
    *,
    title: str,
    as_of: dt.date,
    models: Sequence[Model],
    scores: Sequence[pa.Table],
    notices: Sequence[str] = (),
    stages: Mapping[str, Stage] | None = None,
    advice: Advice | None = None,
    most_listed: int = 50,
) -> Path:
    """Write the report of ``as_of`` to ``out``, whole or not at all, and give the path back.

    ``scores`` holds one table for each of ``models``, in order, as :func:`perfml.scoring.scoring.score` returns it.
    ``notices`` are what was found wrong with the data; ``stages`` says of each model, by name, whether somebody has
    promoted this version; ``advice``, where it is given, is what to do. At most ``most_listed`` people are listed for each
    model and horizon. Where a gate failed, nobody is named.

    Raises :class:`ModelError` for scores that do not belong to the model or the date.
    """
    if len(models) != len(scores):
        raise ModelError(
            f"{len(models)} models and {len(scores)} tables of scores",
            where="write_report",
            remedy="give one for each model",
        )
    told = [tell(model, table, as_of) for model, table in zip(models, scores, strict=True)]
    bodies = [
        (language, _body(language, title, as_of, told, notices, stages or {}, advice or Advice(), most_listed))
        for language in LANGUAGES
    ]
    write_text(out, _environment().get_template("page.html.j2").render(title=title, bodies=bodies))
    return out


def _body(
    language: Language,
    title: str,
    as_of: dt.date,
    told: Sequence[ModelFacts],
    notices: Sequence[str],
    stages: Mapping[str, Stage],
    advice: Advice,
    most_listed: int,
) -> Markup:
    def t(en: str, zh: str, **numbers: object) -> str:
        return (zh if language == "zh" else en).format(**numbers)

    template = _environment().get_template("body.html.j2")
    made = template.render(
        t=t,
        l=language,
        title=title,
        as_of=as_of,
        told=told,
        notices=[wording.notice(said, language) for said in notices],
        most_listed=most_listed,
        segment_listed=SEGMENT_LISTED,
        perfml_version=__version__,
        percent=percent,
        totals=lambda bins: sum(b["n"] * b["expected"] for b in bins),
        stages=stages,
        advice=advice,
        parts=PARTS,
        target_statuses=TARGET_STATUSES,
        number=partial(_number, language=language),
        target_pictures=partial(_targets, t=t),
        stage_words=wording.STAGES,
        statuses=wording.STATUSES,
        gates=gates,
        measure_words=_measure_words(language),
        translate=partial(wording.notice, language=language),
        frequency=partial(wording.natural_frequency, language=language),
        figure=partial(wording.figure, language=language),
        outcome=partial(wording.outcome, language=language),
        cause=partial(wording.cause, language=language),
        cases=partial(wording.cases, language=language),
        owner=partial(wording.owner, language=language),
        evidence=partial(wording.evidence, language=language),
        baseline=partial(wording.baseline, language=language),
        verdict=partial(wording.verdict, language=language),
        waterfalls=partial(_waterfalls, t=t, language=language),
        leading=leading,
        raising=raising,
        for_others=for_others,
        reason_names=partial(wording.reasons, language=language),
        summaries=partial(_summaries, t=t, language=language),
        calibrations=partial(_calibrations, t=t),
        comparisons=partial(_comparisons, t=t, language=language),
    )
    return Markup(made)


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("perfml", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["exp"] = math.expm1
    return made


def _number(value: float | None, *, language: Language) -> str:
    """A target or a weight: as many digits as people write."""
    if value is None or math.isnan(value):
        return "无" if language == "zh" else "none"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def _targets(row: Mapping[str, Any], *, t: Callable[..., str]) -> Markup:
    return _both(
        partial(
            target,
            forecast=Interval(row["expected"], row["low"], row["high"]),
            before=row["old_target"],
            after=row["old_target"] if row["new_target"] is None else row["new_target"],
            names=(t("forecast, 80 %", "预测，80%"), t("target now", "现目标"), t("suggested", "建议目标")),
            title=t(
                "Forecast and target of {m}; the table holds the same",
                "{m} 的预测与目标；表格中是同样的内容",
                m=row["metric"],
            ),
        )
    )


def _measure_words(language: Language) -> dict[str, tuple[str, str]]:
    """Each measure's name and what it says."""
    if language == "zh":
        return {
            "auc": ("AUC", "随机抽取一名有该结果的人和一名没有的人，前者排在前面的比例；0.5 相当于抛硬币"),
            "average_precision": ("平均精确率", "自上而下看名单时命中的平均比例；随机排序等于总体发生率"),
            "lift_at_capacity": ("名单容量处的提升倍数", "名单中的发生率是总体发生率的多少倍；1 相当于随机"),
        }
    return {
        "auc": ("AUC", "how often a person with the outcome is ranked above one without; 0.5 is a coin toss"),
        "average_precision": (
            "Average precision",
            "mean share of true cases when reading the list from the top; a random order gives the overall rate",
        ),
        "lift_at_capacity": (
            "Lift at capacity",
            "how many times more frequent the outcome is on the list than overall; 1 is a random list",
        ),
    }


def _both(draw: Callable[..., str], wide: float = WIDE, narrow: float = NARROW) -> Markup:
    """A picture for wide and for narrow screens; the style sheet shows one."""
    pictures = "".join(
        f'<div class="{name}">{draw(width=width)}</div>' for name, width in (("wide", wide), ("narrow", narrow))
    )
    return Markup(pictures)


def _waterfalls(row: Mapping[str, Any], one: ModelFacts, *, t: Callable[..., str], language: Language) -> Markup:
    steps = [Step(wording.evidence(reason, one.columns, language), reason["contribution"]) for reason in row["reasons"]]
    origin = 1 / (1 + math.exp(-row["base_value"]))
    person, said = row["employee_id"], wording.natural_frequency(row["probability"], language)
    return _both(
        partial(
            waterfall,
            base=row["base_value"],
            steps=steps,
            start=t("Starting point: {said}", "起点：{said}", said=wording.natural_frequency(origin, language)),
            end=t("{person}: {said}", "{person}：{said}", person=person, said=said),
            title=t(
                "From the starting point to {person}, {said}, evidence by evidence; the table holds the same",
                "从起点到 {person} 的风险（{said}），逐项证据的影响；表格中是同样的内容",
                person=person,
                said=said,
            ),
        )
    )


def _summaries(
    leads: Sequence[Leads], horizon: Horizon, one: ModelFacts, *, t: Callable[..., str], language: Language
) -> Markup:
    people = len(horizon.act)
    return _both(
        partial(
            summary,
            leads,
            people=people,
            names=wording.reasons(one.columns, language),
            said=t("people for whom it leads", "以此为主要原因的人数"),
            title=t(
                "What leads among the {n} people to act on; the table holds the same",
                "{n} 名需行动者的主要原因；表格中是同样的内容",
                n=people,
            ),
        )
    )


def _calibrations(horizon: Horizon, *, t: Callable[..., str]) -> Markup:
    bins = [Bin(b["expected"], b["observed"], b["low"], b["high"]) for b in horizon.backtest["bins"]]
    return _both(
        partial(
            calibration,
            bins=bins,
            title=t(
                "Expected against observed share in {n} groups; the table holds the same",
                "{n} 组人员的预期比例与实际比例；表格中是同样的内容",
                n=len(bins),
            ),
            expected=t("expected share", "预期比例"),
            observed=t("observed share", "实际比例"),
            diagonal=t("exactly as expected", "与预期完全一致"),
        ),
        wide=480,
    )


def _comparisons(horizon: Horizon, *, t: Callable[..., str], language: Language) -> Markup:
    rate = horizon.backtest["positives"] / max(1, horizon.backtest["rows"])
    chances = {"auc": 0.5, "average_precision": rate, "lift_at_capacity": 1.0}
    names = _measure_words(language)
    measures = [
        Compared(names[m][0], horizon.figure("model", m), horizon.figure("baseline", m), chances[m]) for m in MEASURES
    ]
    return _both(
        partial(
            comparison,
            measures=measures,
            model=t("model", "模型"),
            baseline=t("baseline", "基线"),
            chance=t("random order", "随机排序"),
            title=t(
                "Model and baseline in the back-test with 95 % intervals; the table holds the same",
                "回测中模型与基线的比较，含 95% 区间；表格中是同样的内容",
            ),
        )
    )
