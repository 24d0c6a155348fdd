"""The report as one HTML file: who may need support, why, and whether to trust it.

The file holds a complete document in each language; a switch that needs no script shows one of them. Nothing is loaded
from anywhere: a content security policy inside the file forbids it too. Everything that comes from data is escaped.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
from markupsafe import Markup

from perfml._version import __version__
from perfml.errors import ModelError
from perfml.files import write_text
from perfml.learning.registry.artifacts import ModelStage
from perfml.learning.registry.model_store import Model
from perfml.messages import Language, Message, render
from perfml.reasons.leading import for_others, raising
from perfml.report import gates, page_pictures, wording
from perfml.report.advice import PARTS, TARGET_STATUSES, Advice
from perfml.report.facts import collect_facts
from perfml.report.overview import leading
from perfml.report.pictures import percent

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SEGMENT_LISTED = 5
"""People listed for each segment; the complete list holds all of them too."""


def write_report(
    out: Path,
    *,
    title: str,
    as_of: dt.date,
    models: Sequence[Model],
    scores: Sequence[pa.Table],
    notices: Sequence[Message] = (),
    stages: Mapping[str, ModelStage] | None = None,
    advice: Advice | None = None,
    most_listed: int = 50,
) -> Path:
    """Write the report of ``as_of`` to ``out``, completely or not at all, and return its path.

    ``scores`` holds one table for each of ``models``, in order, as :func:`perfml.scoring.scoring.score` returns it.
    ``notices`` are faults of the data; ``stages`` holds, by the name of a model, whether somebody has promoted this
    version; ``advice`` is what to do. At most ``most_listed`` people are listed for each model and horizon. Where a gate
    failed, nobody is named.

    Raises :class:`ModelError` for scores that do not belong to the model or the date.
    """
    if len(models) != len(scores):
        raise ModelError(
            f"{len(models)} models and {len(scores)} tables of scores",
            where="write_report",
            remedy="give one for each model",
        )
    values: dict[str, object] = {
        "title": title,
        "as_of": as_of,
        "models": [collect_facts(model, table, as_of) for model, table in zip(models, scores, strict=True)],
        "stages": stages or {},
        "advice": advice or Advice(),
        "most_listed": most_listed,
        "segment_listed": SEGMENT_LISTED,
        "perfml_version": __version__,
    }
    template = _environment().get_template("body.html.j2")
    bodies = [
        (language, Markup(template.render(**values, **_in_language(language, notices)))) for language in LANGUAGES
    ]
    write_text(out, _environment().get_template("page.html.j2").render(title=title, bodies=bodies))
    return out


def _in_language(language: Language, notices: Sequence[Message]) -> dict[str, object]:
    """What the templates use to put facts into ``language``."""

    def t(en: str, zh: str, **numbers: object) -> str:
        return (zh if language == "zh" else en).format(**numbers)

    def in_language(function: Any) -> Any:
        return partial(function, language=language)

    return {
        "t": t,
        "l": language,
        "say": in_language(render),
        "notices": [wording.sentence(notice, {}, language) for notice in notices],
        "percent": percent,
        "totals": lambda bins: sum(b.n * b.expected for b in bins),
        "parts": PARTS,
        "target_statuses": TARGET_STATUSES,
        "number": in_language(_number),
        "stage_words": wording.STAGES,
        "statuses": wording.STATUSES,
        "gates": gates,
        "measures": page_pictures.MEASURE_TEXTS,
        "sentence": in_language(wording.sentence),
        "frequency": in_language(wording.natural_frequency),
        "figure": in_language(wording.figure),
        "outcome": in_language(wording.outcome),
        "cause": in_language(wording.cause),
        "cases": in_language(wording.cases),
        "owner": in_language(wording.owner),
        "evidence": in_language(wording.evidence),
        "baseline": in_language(wording.baseline),
        "leading": leading,
        "raising": raising,
        "for_others": for_others,
        "reason_names": in_language(wording.reasons),
        "target_pictures": in_language(page_pictures.target_pictures),
        "waterfalls": in_language(page_pictures.waterfalls),
        "summaries": in_language(page_pictures.summaries),
        "calibrations": in_language(page_pictures.calibrations),
        "comparisons": in_language(page_pictures.comparisons),
    }


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("perfml", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["exp"] = math.expm1
    return environment


def _number(value: float | None, *, language: Language) -> str:
    """Format a target or a weight with as many digits as people write."""
    if value is None or math.isnan(value):
        return render(Message.of("report_no_number"), language)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
