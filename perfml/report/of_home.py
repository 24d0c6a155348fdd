"""The report of what is kept under ``home``: the scores of a date, and the newest suggestions up to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.advice.suggestion_files import suggestion_dates, suggestion_file
from perfml.advice.work_list import work_list
from perfml.dated_files import dates_in
from perfml.errors import PerfmlError
from perfml.learning.registry.model_store import load
from perfml.project.course_policy import CoursePolicy
from perfml.project.folder import ProjectFolder
from perfml.project.spec import Spec
from perfml.project.target_policy import TargetPolicy
from perfml.report.advice import Advice
from perfml.report.report import write_report
from perfml.scoring.score_files import not_scored, score_file


def report_home(home: Path, folder: ProjectFolder, out: Path, *, as_of: dt.date | None, title: str | None) -> Path:
    """Write the report of all models of ``folder`` that were scored at ``as_of`` (default: the newest date with scores).

    Raises :class:`PerfmlError` where nothing has been scored, :class:`ModelError` where a model was retrained since.
    """
    dates = {name: dates_in(home / "scores" / name) for name in folder.models}
    available = sorted({day for days in dates.values() for day in days}, reverse=True)
    if not available:
        raise PerfmlError("nothing has been scored", where=str(home), remedy="run `perfml score MODEL --data …`")
    day = as_of or available[0]
    models = [name for name, days in dates.items() if day in days]
    if not models:
        raise not_scored(f"as-of date {day}", available)
    return write_report(
        out,
        title=title or folder.spec.name,
        as_of=day,
        models=[load(home, name) for name in models],
        scores=[pq.read_table(score_file(home, name, day)) for name in models],
        advice=advice_at(home, folder, models=models, day=day),
    )


def advice_at(home: Path, folder: ProjectFolder, *, models: Sequence[str], day: dt.date) -> Advice:
    """The lists of ``models`` at ``day``, and the newest suggestions up to it."""
    return Advice.of(
        _newest_suggestions(home, folder, TargetPolicy, until=day),
        _newest_suggestions(home, folder, CoursePolicy, until=day),
        [work_list(home, model, folder.model(model).list, as_of=day) for model in models],
    )


def _newest_suggestions(home: Path, folder: ProjectFolder, kind: type[Spec], *, until: dt.date) -> pa.Table | None:
    """The suggestions of the newest date up to ``until``, among the policies of ``kind``; None where there are none."""
    policies = [name for name, spec in folder.policies.items() if isinstance(spec, kind)]
    dated = [(date, name) for name in policies for date in suggestion_dates(home, name) if date <= until]
    if not dated:
        return None
    date, name = max(dated)
    return pq.read_table(suggestion_file(home, name, date)[1])
