"""The report of what is kept under ``home``: the scores of a date, the list before it, and the newest suggestions up to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from perfml.advice.priorities import Priorities
from perfml.advice.suggestion_files import read_suggestions, suggestion_dates, suggestion_file
from perfml.advice.work_list import work_list
from perfml.dated_files import dates_in
from perfml.errors import PerfmlError
from perfml.learning.registry.artifacts import CHAMPION, cautions, pointed
from perfml.learning.registry.model_store import Model, load
from perfml.messages import Message
from perfml.project.course_policy import CoursePolicy
from perfml.project.folder import ProjectFolder
from perfml.project.spec import Spec
from perfml.project.target_policy import TargetPolicy
from perfml.reasons.voices import Voices
from perfml.report.contents.advice import Advice
from perfml.report.report import write_report
from perfml.scoring.people.files import people_facts
from perfml.scoring.run_record import voices_of
from perfml.scoring.score_files import not_scored, read_scores, score_file


def report_home(
    home: Path,
    folder: ProjectFolder,
    out: Path,
    *,
    as_of: dt.date | None,
    title: str | None,
    notices: Sequence[Message] = (),
) -> Path:
    """Write the report of all models of ``folder`` that were scored at ``as_of`` (default: the newest date with scores).

    Raises :class:`PerfmlError` where nothing has been scored, :class:`ModelError` where a model was retrained since.
    """
    dates = {name: dates_in(home / "scores" / name) for name in folder.models}
    available = sorted({day for days in dates.values() for day in days}, reverse=True)
    if not available:
        raise PerfmlError("nothing has been scored", where=str(home), remedy="run `perfml score MODEL --data …`")
    day = as_of or available[0]
    models = [load(home, name) for name, days in dates.items() if day in days]
    if not models:
        raise not_scored(f"as-of date {day}", available)
    return write_report(
        out,
        title=title or folder.spec.name,
        as_of=day,
        models=models,
        scores=[read_scores(score_file(home, model.name, day)) for model in models],
        stages={m.name: "champion" if pointed(home, m.name, CHAMPION) == m.version else "candidate" for m in models},
        notices=[*notices, *(notice for m in models for notice in cautions(home, m.name, m.version, m.record))],
        advice=advice_at(home, folder, models=models, day=day),
        people=people_facts(home, day),
        voices={m.name: Voices(voices_of(home, m.name, day), {c.name: c for c in m.columns}) for m in models},
    )


def advice_at(home: Path, folder: ProjectFolder, *, models: Sequence[Model], day: dt.date) -> Advice:
    """The lists of ``models`` at ``day`` and at the date scored before it, and the newest suggestions up to ``day``."""
    before = {model.name: [date for date in dates_in(home / "scores" / model.name) if date < day] for model in models}
    return Advice.of(
        _newest_suggestions(home, folder, TargetPolicy, until=day),
        _newest_suggestions(home, folder, CoursePolicy, until=day),
        [_list(home, folder, model, day) for model in models],
        [
            listed
            for model in models
            for date in before[model.name][:1]
            if (listed := _earlier_list(home, folder, model, date)) is not None
        ],
    )


def _list(home: Path, folder: ProjectFolder, model: Model, day: dt.date) -> Priorities:
    """The list at the shortest horizon that gives one, as it was drawn up then."""
    proven = next((days for days in sorted(model.risks) if model.proven(days)), None)
    return work_list(home, model.name, folder.model(model.name).list, as_of=day, horizon_days=proven)


def _earlier_list(home: Path, folder: ProjectFolder, model: Model, day: dt.date) -> Priorities | None:
    """The list of an earlier day; None where the version of then is gone or did not have the horizon."""
    try:
        return _list(home, folder, model, day)
    except PerfmlError:
        return None


def _newest_suggestions(home: Path, folder: ProjectFolder, kind: type[Spec], *, until: dt.date) -> pa.Table | None:
    """The suggestions of the newest date up to ``until``, among the policies of ``kind``; None where there are none."""
    policies = [name for name, spec in folder.policies.items() if isinstance(spec, kind)]
    dated = [(date, name) for name in policies for date in suggestion_dates(home, name) if date <= until]
    if not dated:
        return None
    date, name = max(dated)
    return read_suggestions(suggestion_file(home, name, date)[1])
