"""The verbs of models: training, promotion, back-tests, drift, fairness, raters."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from perfml.api.shared import DataLocation, GivenData, open_to_learn, people_of, seen
from perfml.dates import DateLike, date_of
from perfml.evidence.record_end import end_of_record, until_day
from perfml.files import private_folder

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.learning.fairness.run import FairnessAnswer
    from perfml.learning.registry.mlflow_tracking import Tracked
    from perfml.learning.registry.model_store import Model
    from perfml.learning.registry.promotion import Promotion
    from perfml.learning.validation.backtest import Backtest
    from perfml.scoring.drift.check import HorizonDrift
    from perfml.workers.pool import Workers


def _workers(project: Project) -> AbstractContextManager[Workers]:
    """The workers of ``project``, or such as end with the verb."""
    from perfml.workers.pool import Workers

    return Workers() if project.workers is None else nullcontext(project.workers)


def train(project: Project, model: str, data: GivenData | None = None, *, until: DateLike | None = None) -> Model:
    """Back-test, train on what was known by ``until`` (default: the end of the record), apply every gate, and keep it all.

    The new version is the candidate. It is in use at once where no version has been promoted, else after :meth:`promote`.
    """
    from threadpoolctl import threadpool_limits

    from perfml.advice.decision_log import logged
    from perfml.learning.training import train

    private_folder(project.home)
    # Threads of BLAS wait for each other longer than they compute on matrices of this size.
    with _workers(project) as workers, open_to_learn(project, data) as opened, threadpool_limits(1, user_api="blas"):
        return train(
            opened,
            project.folder,
            model,
            home=project.home,
            until=until_day(opened, until),
            logged=logged(project.home),
            workers=workers,
            progress=project.progress,
        )


def track(project: Project, model: str | None = None, *, uri: str | None = None) -> list[Tracked]:
    """Log the candidate's training run and register it in MLflow; without ``model``, whatever could not be logged before.

    The tracking server is ``uri``, else ``MLFLOW_TRACKING_URI``, else an SQLite file under ``home``. A server that does
    not answer raises nothing: the run waits under ``home`` and is sent with the next call.
    """
    from perfml.learning.registry.mlflow_tracking import flush, record
    from perfml.learning.registry.model_store import candidate
    from perfml.report.training import training_pictures

    if model is None:
        return flush(project.home, uri=uri)
    trained = candidate(project.home, model)
    return [record(project.home, model, trained.version, plots=training_pictures(trained), uri=uri)]


def promote(
    project: Project, model: str, *, approver: str, reason: str, version: str | None = None, uri: str | None = None
) -> Promotion:
    """Make the candidate the champion: a named person and a reason are required, and no gate may have failed.

    ``version``: another one, such as the one before, to go back to. Raises :class:`ModelError` otherwise. MLflow's alias
    ``champion`` follows, now or when the server answers.
    """
    from perfml.learning.registry import mlflow_tracking, promotion

    project.folder.model(model)
    promoted = promotion.promote(project.home, model, approver=approver, reason=reason, version=version)
    mlflow_tracking.promote(
        project.home, model, promoted.version, approver=promoted.approver, reason=promoted.reason, uri=uri
    )
    return promoted


def dashboard(
    project: Project, model: str, out: str | Path, data: DataLocation | None = None, *, as_of: DateLike | None = None
) -> Path:
    """Write one model explained as a static HTML page: importance, dependence, the people of its list one by one with what
    adds up to their risk and what if, calibration, lists, gates.

    Nobody is named: people stand there by rank; every mean is over at least ten. ``as_of``: default the end of the record.
    """
    from perfml.learning.registry.model_store import load
    from perfml.report.dashboard.explained import Explained
    from perfml.report.dashboard.people import ranked_people
    from perfml.report.dashboard.writing import write_dashboard
    from perfml.scoring.scoring import scored_at

    project.folder.model(model)
    loaded = load(project.home, model)
    with project.open(data) as opened:
        day = date_of(as_of) if as_of else end_of_record(opened)
        scores, people, features = scored_at(
            opened, project.folder, loaded, as_of=day, home=project.home, progress=project.progress
        )
    seen(project, f"dashboard {model}/{day}", people_of(scores))
    explained = [Explained.of(loaded, features, days) for days in sorted(loaded.risks)]
    return write_dashboard(
        Path(out),
        model=loaded,
        scores=scores,
        explained=explained,
        people=ranked_people(loaded, scores, people=people, features=features),
        as_of=day,
    )


def backtest(
    project: Project, model: str, data: DataLocation | None = None, *, until: DateLike | None = None
) -> list[Backtest]:
    """The rolling-origin back-test of each horizon, beside the baseline, with intervals."""
    from perfml.learning.training import backtest

    with _workers(project) as workers, project.open(data) as opened:
        until_then = until_day(opened, until)
        return backtest(opened, project.folder, model, until=until_then, workers=workers, progress=project.progress)


def drift(
    project: Project, model: str, data: DataLocation | None = None, *, as_of: DateLike | None = None
) -> list[HorizonDrift]:
    """Compare evidence, scores and outcomes with those the model in use was trained on: one verdict per horizon.

    The figures are kept under ``home``, where the service answers with the newest ones.
    """
    from perfml.learning.registry.model_store import load
    from perfml.scoring.drift.check import drift
    from perfml.scoring.drift.files import keep_drift

    project.folder.model(model)
    loaded = load(project.home, model)
    with project.open(data) as opened:
        day = date_of(as_of) if as_of else end_of_record(opened)
        checked = drift(opened, project.folder, loaded, as_of=day, progress=project.progress)
    keep_drift(project.home, model, [each.to_json() for each in checked], version=loaded.version, as_of=day)
    return checked


def fairness(
    project: Project,
    model: str,
    data: DataLocation | None = None,
    *,
    mitigate: str | None = None,
    until: DateLike | None = None,
) -> FairnessAnswer:
    """The audit of the back-test, how well evidence predicts each protected attribute and, for the attribute
    ``mitigate``, what each mitigation costs."""
    from perfml.learning.fairness.run import fairness

    with project.open(data) as opened:
        day = until_day(opened, until)
        return fairness(
            opened, project.folder, model, until=day, home=project.home, cure=mitigate, progress=project.progress
        )


def raters(project: Project, data: DataLocation | None = None, *, until: DateLike | None = None) -> pd.DataFrame:
    """How severely each reviewer rates, as far as reviewers can be compared; those with few ratings are only counted."""
    from perfml.learning.dataset.labels import known_reviews, rating_scale
    from perfml.learning.dataset.raters import rater_model, severity_report

    with project.open(data) as opened:
        reviews = known_reviews(opened, until=until_day(opened, until))
        report = severity_report(
            rater_model(reviews, scale=rating_scale(opened)), min_others=project.folder.spec.disclosure.min_others
        )
    seen(project, "raters", map(str, report["reviewer_id"].dropna()))
    return report
