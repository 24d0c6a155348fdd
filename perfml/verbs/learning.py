"""The verbs of models: train, back-test, promote, score, explain, and watch over them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import PerfmlError
from perfml.project.voices import Who
from perfml.verbs.opening import Dates, Opening, Source, date_of, dates_of, end_of_record, refuse_stale, until_day

if TYPE_CHECKING:
    from perfml.learning.fairness.run import FairnessAnswer
    from perfml.learning.registry.mlflow_tracking import Tracked
    from perfml.learning.registry.model_store import Model
    from perfml.learning.registry.promotion import Promotion
    from perfml.learning.validation.backtest import Backtest
    from perfml.scoring.drift_check import HorizonDrift
    from perfml.scoring.replay import Replay

ScoreRow = dict[str, Any]
"""A row of ``perfml.scoring.scoring.SCHEMA``."""


class Learning(Opening):
    """From evidence to a trusted model, and to its scores."""

    def train(self, model: str, data: Source | None = None, *, until: dt.date | str | None = None) -> Model:
        """Back-test, learn from what was known by ``until`` (default: the end of the record), ask every gate, keep it all.

        The new version is the candidate. It is used at once where no version has been promoted, else after :meth:`promote`.
        """
        from perfml.advice.decision_log import logged
        from perfml.learning.training import train

        self.home.mkdir(parents=True, exist_ok=True)
        opened = self.open(data)
        try:
            day = until_day(opened, until)
            return train(
                opened, self.folder, model, home=self.home, until=day, logged=logged(self.home), progress=self.progress
            )
        finally:
            opened.close()

    def track(self, model: str | None = None, *, uri: str | None = None) -> list[Tracked]:
        """Log the candidate's training run and register it in MLflow; without ``model``, whatever could not be logged before.

        The tracking server is ``uri``, else ``MLFLOW_TRACKING_URI``, else an SQLite file under ``home``. One that does not
        answer raises nothing: the run waits under ``home`` and goes with the next call.
        """
        from perfml.learning.registry.mlflow_tracking import flush, record
        from perfml.learning.registry.promotion import candidate
        from perfml.report.training import training_pictures

        if model is None:
            return flush(self.home, uri=uri)
        trained = candidate(self.home, model)
        return [record(self.home, model, trained.version, plots=training_pictures(trained), uri=uri)]

    def promote(self, model: str, *, approver: str, reason: str, uri: str | None = None) -> Promotion:
        """Make the candidate the model in use; a person's name and a sentence are needed, and every gate has to be passed.

        Raises :class:`ModelError` where they are not. MLflow's alias ``champion`` follows, now or when the server answers.
        """
        from perfml.learning.registry.mlflow_tracking import promote as follow
        from perfml.learning.registry.promotion import promote

        self.folder.model(model)
        done = promote(self.home, model, approver=approver, reason=reason)
        follow(self.home, model, done.version, approver=done.approver, reason=done.reason, uri=uri)
        return done

    def replay(self, model: str, as_of: dt.date | str, data: Source | None = None) -> Replay:
        """Compute kept scores again from the recorded data, definitions and model, and compare every value.

        Raises :class:`PerfmlError` naming what is no longer what it was.
        """
        from perfml.scoring.replay import replay

        return replay(self.home, model, date_of(as_of), data, progress=self.progress)

    def drift(
        self, model: str, data: Source | None = None, *, as_of: dt.date | str | None = None
    ) -> list[HorizonDrift]:
        """Whether evidence, scores and outcomes are still what the model in use learnt from: one verdict a horizon."""
        from perfml.learning.registry.model_store import load
        from perfml.scoring.drift_check import drift

        self.folder.model(model)
        loaded = load(self.home, model)
        opened = self.open(data)
        try:
            day = date_of(as_of) if as_of else end_of_record(opened)
            return drift(opened, self.folder, loaded, day, progress=self.progress)
        finally:
            opened.close()

    def fairness(
        self,
        model: str,
        data: Source | None = None,
        *,
        mitigate: str | None = None,
        until: dt.date | str | None = None,
    ) -> FairnessAnswer:
        """The audit of the back-test, how well evidence tells each protected attribute and, for the attribute ``mitigate``,
        what a cure costs."""
        from perfml.learning.fairness.run import fairness

        opened = self.open(data)
        try:
            day = until_day(opened, until)
            return fairness(opened, self.folder, model, until=day, cure=mitigate, progress=self.progress)
        finally:
            opened.close()

    def curves(self, model: str, data: Source | None = None, *, as_of: dt.date | str | None = None) -> pa.Table:
        """The probability of having left, by cause and month, and the expected days in employment; see
        ``perfml.scoring.curves.SCHEMA``."""
        from perfml.learning.registry.model_store import load
        from perfml.scoring.curves import curves

        self.folder.model(model)
        loaded = load(self.home, model)
        opened = self.open(data)
        try:
            day = date_of(as_of) if as_of else end_of_record(opened)
            return curves(opened, self.folder, loaded, day, progress=self.progress)
        finally:
            opened.close()

    def raters(self, data: Source | None = None, *, until: dt.date | str | None = None) -> pd.DataFrame:
        """Who rates how severely, as far as reviewers can be compared; those with few ratings are counted, not shown."""
        from perfml.learning.dataset.labels import known_reviews, rating_scale
        from perfml.learning.dataset.raters import rater_model, severity_report

        opened = self.open(data)
        try:
            reviews = known_reviews(opened, until=until_day(opened, until))
            return severity_report(rater_model(reviews, scale=rating_scale(opened)))
        finally:
            opened.close()

    def backtest(self, model: str, data: Source | None = None, *, until: dt.date | str | None = None) -> list[Backtest]:
        """The rolling-origin back-test of each horizon, beside the baseline, with intervals."""
        from perfml.learning.training import backtest

        opened = self.open(data)
        try:
            day = until_day(opened, until)
            return backtest(opened, self.folder, model, until=day, progress=self.progress)
        finally:
            opened.close()

    def score(self, model: str, data: Source | None = None, *, as_of: Dates | None = None) -> pa.Table:
        """Score everyone employed at each as-of date (default: the end of the record) with the current model.

        The rows (``perfml.scoring.scoring.SCHEMA``) are kept under ``home``, where the service and :meth:`explain` read.
        """
        return pa.concat_tables(pq.read_table(path) for path in self.write_scores(model, data, as_of=as_of))

    def write_scores(self, model: str, data: Source | None = None, *, as_of: Dates | None = None) -> list[Path]:
        """:meth:`score`, part after part in bounded memory: returns the files under ``home``, one for each date at which
        somebody was employed."""
        from perfml.learning.registry.model_store import load
        from perfml.scoring.replay import record_run
        from perfml.scoring.scoring import keep_scores, score_in_parts

        self.folder.model(model)
        loaded = load(self.home, model)
        opened = self.open(data)
        try:
            dates = dates_of(as_of) if as_of else [end_of_record(opened)]
            refuse_stale(opened, max(dates))
            parts = score_in_parts(opened, self.folder, loaded, dates, progress=self.progress)
            records = record_run(self.home, keep_scores(parts, self.home), data=opened, folder=self.folder)
            return [record.with_suffix(".parquet") for record in records]
        finally:
            opened.close()

    def explain(
        self, employee_id: str, *, model: str, as_of: dt.date | str | None = None, voice: Who | None = None
    ) -> list[ScoreRow]:
        """The kept score rows of one person, one for each horizon, their reasons as HR, the manager or the employee is told
        them where ``voice`` says so. Raises :class:`PerfmlError` where there are none.
        """
        from perfml.reasons.voices import retold
        from perfml.scoring.run_record import voices_of

        path = self.scored(model, as_of)
        rows: list[dict[str, Any]] = pq.read_table(path, filters=[("employee_id", "=", employee_id)]).to_pylist()
        if not rows:
            raise PerfmlError(
                "has no score", where=f"{employee_id!r} in {path}", remedy="they were not employed at that date"
            )
        if voice is not None:
            spec = voices_of(self.home, model, rows[0]["as_of"])
            rows = [{**row, "reasons": row["reasons"] and retold(row["reasons"], spec, voice)} for row in rows]
        return rows

    def rows_behind(
        self,
        employee_id: str,
        evidence: str,
        data: Source | None = None,
        *,
        model: str,
        as_of: dt.date | str | None = None,
        most: int = 50,
    ) -> dict[str, pd.DataFrame]:
        """Table → the person's rows behind a reason: which events, which review; at most ``most`` of each, the newest first.

        ``evidence``: the reason's name in a row of :meth:`explain`; of several horizons the shortest that has it. Its first
        column, the one that tells it, is looked up with the definitions of the run, in what was known before the date.
        Raises :class:`PerfmlError` where no horizon has such a reason.
        """
        from perfml.evidence.behind import rows_behind
        from perfml.evidence.fingerprint import kept_definitions
        from perfml.learning.registry.model_store import load
        from perfml.scoring.run_record import read_record

        rows = self.explain(employee_id, model=model, as_of=as_of)
        told: dict[str, Any] = {}
        for line in (
            line for row in sorted(rows, key=lambda row: row["horizon_days"]) for line in row["reasons"] or ()
        ):
            if line["values"]:
                told.setdefault(line["evidence"], line["values"])
        if evidence not in told:
            raise PerfmlError(
                f"{evidence!r} is no reason", where=employee_id, remedy=f"use one of: {', '.join(told) or 'none there'}"
            )
        loaded = load(self.home, model, rows[0]["model_version"])
        (column,) = (c for c in loaded.columns if c.name == told[evidence][0]["column"])
        day = date_of(rows[0]["as_of"])
        record = read_record(self.home, model, day)
        folder = self.folder if record is None else kept_definitions(self.home, record["definitions"])
        opened = self.open(data)
        try:
            return rows_behind(opened, folder.definitions, column, employee_id, day, kinds=loaded.kinds, most=most)
        finally:
            opened.close()
