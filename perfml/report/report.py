"""The report as one HTML file: who may need support, why, and whether to believe it.

The file holds a complete document in each language; a switch that needs no script shows one of them. A small script adds
filters and exports; a content security policy names its hash, so that no other script runs and nothing is loaded from
anywhere. Everything that comes from data is escaped.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
from markupsafe import Markup, escape

from perfml._version import __version__
from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.files import write_text
from perfml.harmless import FORMULA, printable
from perfml.learning.in_people import lead_message, outcome_message
from perfml.learning.registry.artifacts import ModelStage
from perfml.learning.registry.model_store import Model
from perfml.messages import Language, Message, render
from perfml.reasons.record import Reason
from perfml.reasons.voices import Voices
from perfml.report import gates, page_pictures, wording
from perfml.report.contents.advice import TARGET_STATUSES, Advice, CoursePart, TargetPart
from perfml.report.contents.facts import collect_facts
from perfml.report.contents.model_list import ModelList, model_list
from perfml.report.contents.places import Places
from perfml.report.contents.summary import frequent_reasons, people_listed
from perfml.report.pictures import percent
from perfml.scoring.people.files import PersonFacts, facts_of

LANGUAGES: tuple[Language, ...] = ("en", "zh")


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
    people: Mapping[str, PersonFacts] | None = None,
    voices: Mapping[str, Voices] | None = None,
    most_listed: int = 50,
) -> Path:
    """Write the report of ``as_of`` to ``out``, completely or not at all, and return its path.

    ``scores`` holds one table for each of ``models``, in order, as :func:`perfml.scoring.scoring.score` returns it.
    ``notices`` are faults of the data; ``stages`` holds, by the name of a model, whether somebody has promoted this
    version; ``advice`` is what to do; ``people`` says who somebody is;
    ``voices``, by the name of a model, what can be done about a reason. At most ``most_listed`` people of each group of a
    list are shown. Where a gate failed, nobody is named.

    Raises :class:`ModelError` for scores that do not belong to the model or the date.
    """
    if len(models) != len(scores):
        raise ModelError(
            f"{len(models)} models and {len(scores)} tables of scores",
            where="write_report",
            remedy="give one for each model",
        )
    given, known = advice or Advice(), people or {}
    lists = [
        model_list(
            collect_facts(model, table, as_of),
            table,
            known,
            listed=given.list_of(model.name),
            earlier=given.earlier_of(model.name),
            most=most_listed,
        )
        for model, table in zip(models, scores, strict=True)
    ]
    places = Places.of(lists, given)
    values: dict[str, Any] = {
        "title": title,
        "as_of": as_of,
        "lists": lists,
        "places": places,
        "people_listed": people_listed(lists),
        "frequent": frequent_reasons(lists),
        "stages": stages or {},
        "targets": None if given.targets is None else TargetPart.of(given.targets, apart=places.supports),
        "courses": None
        if given.courses is None
        else CoursePart.of(given.courses, apart=places.supports, first=places.main),
        "who": partial(facts_of, known),
        "perfml_version": __version__,
    }
    columns = {name: column for each in lists for name, column in each.facts.columns.items()}
    return write_page(
        out,
        "body.html.j2",
        title=title,
        values=values,
        texts=lambda language: in_language(language, notices, columns, voices or {}),
    )


def write_page(
    out: Path,
    template: str,
    *,
    title: str,
    values: Mapping[str, object],
    texts: Callable[[Language], Mapping[str, object]],
) -> Path:
    """Write ``template`` in both languages as one HTML file; ``texts``: what it uses to put ``values`` into a language."""
    environment = _environment()
    body = environment.get_template(template)
    bodies = [(language, Markup(body.render(**values, **texts(language)))) for language in LANGUAGES]
    script = environment.get_template("script.js").render(formula=json.dumps(FORMULA))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment.get_template("page.html.j2")
    write_text(out, printable(page.render(title=title, bodies=bodies, script=Markup(script), digest=digest)))
    return out


def in_language(
    language: Language, notices: Sequence[Message], columns: Mapping[str, Column], voices: Mapping[str, Voices]
) -> dict[str, object]:
    """What the templates use to put facts into ``language``."""

    def t(en: str, zh: str, **numbers: object) -> str:
        return (zh if language == "zh" else en).format(**numbers)

    def worded(function: Any) -> Any:
        return partial(function, language=language)

    def actions(shown: ModelList, reasons: Sequence[Reason]) -> list[str]:
        """What can be done about ``reasons``, the first of them first, each once."""
        known = voices.get(shown.facts.model.name)
        return (
            list(dict.fromkeys(filter(None, (known.action(reason, language) for reason in reasons)))) if known else []
        )

    return {
        "t": t,
        "actions": actions,
        "l": language,
        "say": worded(render),
        "notices": [wording.sentence(notice, {}, language) for notice in notices],
        "percent": percent,
        "gates": gates,
        "happened": outcome_message,
        "lead_message": lead_message,
        "target_statuses": TARGET_STATUSES,
        "statuses": wording.STATUSES,
        "stage_words": wording.STAGES,
        "measures": page_pictures.MEASURE_TEXTS,
        "groups": wording.GROUPS,
        "number": worded(wording.number),
        "tenure": worded(wording.tenure),
        "sentence": worded(wording.sentence),
        "frequency": worded(wording.natural_frequency),
        "figure": worded(wording.figure),
        "outcome": worded(wording.outcome),
        "cases": worded(wording.cases),
        "owner": worded(wording.owner),
        "owner_name": worded(wording.owner_name),
        "evidence": worded(wording.evidence),
        "baseline": worded(wording.baseline),
        "reason_name": worded(partial(wording.reason_name, columns)),
        "calibrations": worded(page_pictures.calibrations),
        "comparisons": worded(page_pictures.comparisons),
    }


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("perfml", "report/page"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["commands"] = _commands
    return environment


def _commands(text: str) -> Markup:
    """The text with what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))
