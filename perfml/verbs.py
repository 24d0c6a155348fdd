"""The verbs. The command line, notebooks and the service say the same things through one class, so they answer alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import DataError, PerfmlError
from perfml.evidence.check import CheckReport, check
from perfml.evidence.features import Evidence, Progress, build, write
from perfml.evidence.sources import Data, open_data
from perfml.project.project import Folder
from perfml.project.starter import STARTER
from perfml.reasons.reasons import Reason

if TYPE_CHECKING:
    from perfml.advice.monitoring import DriftOf
    from perfml.advice.replay import Replay
    from perfml.learning.auditing import FairnessAnswer
    from perfml.learning.backtest import Backtest
    from perfml.learning.promotion import Promotion
    from perfml.learning.registry import Model
    from perfml.learning.tracking import Tracked

Source = str | Path
STALE_DAYS = {"events": 31, "reviews": 366}
"""For how long after its end a record still says how people are now."""
Dates = dt.date | str | Sequence[dt.date | str]


class Project:
    """A folder of definitions, with the verbs that turn a company's tables into explained scores.

    ``root``: the project (default: the working folder if it is one, else the starter project that perfml ships);
    ``home``: where models and scores live (default ``PERFML_HOME``, else ``<root>/var``); ``progress`` is called with
    what is being done, how much is done, and of how much. ``data`` in each verb is a folder of CSV or Parquet, a DuckDB
    file or a ``postgresql://`` URL (default: ``perfml.toml``'s ``[data] source``).
    """

    def __init__(
        self, root: str | Path | None = None, *, home: str | Path | None = None, progress: Progress | None = None
    ) -> None:
        chosen = Path(root) if root is not None else Path.cwd() if Path("perfml.toml").is_file() else STARTER
        self.folder = Folder(chosen)
        self.home = self.folder.home(Path(home) if home is not None else None)
        self._progress = progress

    def open(self, data: Source | None = None, *, strict: bool = True) -> Data:
        """The tables, typed and checked. Raises :class:`DataError` on the first that is there and cannot be used."""
        source = data or self.folder.spec.data.source
        if source is None:
            raise DataError(
                "no data is named", where="--data", remedy="name a folder, a DuckDB file or a postgresql:// URL"
            )
        if self._progress:
            self._progress("reading", 0, 1)
        opened = open_data(source, self.folder.definitions.tables, strict=strict)
        if self._progress:
            self._progress("reading", 1, 1)
        return opened

    def check(self, data: Source | None = None) -> CheckReport:
        """What the tables hold, what is wrong with them, and what can be computed from them."""
        opened = self.open(data, strict=False)
        try:
            return check(opened, self.folder.definitions, self.folder.models)
        finally:
            opened.close()

    def features(self, data: Source | None = None, *, as_of: Dates) -> pd.DataFrame:
        """The evidence of everyone employed at each as-of date: one row (employee_id, as_of), one column a feature."""
        return self.evidence(data, as_of=as_of).frame

    def evidence(self, data: Source | None = None, *, as_of: Dates) -> Evidence:
        """Like :meth:`features`, with what each column means and what was left out."""
        opened = self.open(data)
        try:
            return build(opened, self.folder.definitions, _dates(as_of), progress=self._progress)
        finally:
            opened.close()

    def write_features(self, data: Source | None, out: Path, *, as_of: Dates) -> int:
        """Write the evidence to a Parquet file in bounded memory; return its rows."""
        opened = self.open(data)
        try:
            return write(opened, self.folder.definitions, _dates(as_of), out, progress=self._progress)
        finally:
            opened.close()

    def train(self, model: str, data: Source | None = None, *, until: dt.date | str | None = None) -> Model:
        """Back-test, learn from what was known by ``until`` (default: the end of the record), ask every gate, keep it all.

        The new version is the candidate. It is used at once where no version has been promoted, else after :meth:`promote`.
        """
        from perfml.learning.training import train

        self.home.mkdir(parents=True, exist_ok=True)
        opened = self.open(data)
        try:
            day = _until(opened, until)
            return train(opened, self.folder, model, home=self.home, until=day, progress=self._progress)
        finally:
            opened.close()

    def track(self, model: str | None = None, *, uri: str | None = None) -> list[Tracked]:
        """Log the candidate's training run and register it in MLflow; without ``model``, whatever could not be logged before.

        The tracking server is ``uri``, else ``MLFLOW_TRACKING_URI``, else an SQLite file under ``home``. One that does not
        answer raises nothing: the run waits under ``home`` and goes with the next call.
        """
        from perfml.learning.promotion import candidate
        from perfml.learning.tracking import flush, record
        from perfml.report.training import training_pictures

        if model is None:
            return flush(self.home, uri=uri)
        trained = candidate(self.home, model)
        return [record(self.home, model, trained.version, plots=training_pictures(trained), uri=uri)]

    def promote(self, model: str, *, approver: str, reason: str, uri: str | None = None) -> Promotion:
        """Make the candidate the model in use; a person's name and a sentence are needed, and every gate has to be passed.

        Raises :class:`ModelError` where they are not. MLflow's alias ``champion`` follows, now or when the server answers.
        """
        from perfml.learning.promotion import promote
        from perfml.learning.tracking import promote as follow

        self.folder.model(model)
        done = promote(self.home, model, approver=approver, reason=reason)
        follow(self.home, model, done.version, approver=done.approver, reason=done.reason, uri=uri)
        return done

    def replay(self, model: str, as_of: dt.date | str, data: Source | None = None) -> Replay:
        """Compute kept scores again from the recorded data, definitions and model, and compare every value.

        Raises :class:`PerfmlError` naming what is no longer what it was.
        """
        from perfml.advice.replay import replay

        return replay(self.home, model, _date(as_of), data, progress=self._progress)

    def drift(self, model: str, data: Source | None = None, *, as_of: dt.date | str | None = None) -> list[DriftOf]:
        """Whether evidence, scores and outcomes are still what the model in use learnt from: one verdict a horizon."""
        from perfml.advice.monitoring import drift
        from perfml.learning.registry import load

        self.folder.model(model)
        loaded = load(self.home, model)
        opened = self.open(data)
        try:
            day = _date(as_of) if as_of else end_of_record(opened)
            return drift(opened, self.folder, loaded, day, progress=self._progress)
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
        from perfml.learning.auditing import fairness

        opened = self.open(data)
        try:
            day = _until(opened, until)
            return fairness(opened, self.folder, model, until=day, cure=mitigate, progress=self._progress)
        finally:
            opened.close()

    def curves(self, model: str, data: Source | None = None, *, as_of: dt.date | str | None = None) -> pa.Table:
        """The probability of having left, by cause and month, and the expected days in employment; see
        ``perfml.advice.curves.SCHEMA``."""
        from perfml.advice.curves import curves
        from perfml.learning.registry import load

        self.folder.model(model)
        loaded = load(self.home, model)
        opened = self.open(data)
        try:
            day = _date(as_of) if as_of else end_of_record(opened)
            return curves(opened, self.folder, loaded, day, progress=self._progress)
        finally:
            opened.close()

    def raters(self, data: Source | None = None, *, until: dt.date | str | None = None) -> pd.DataFrame:
        """Who rates how severely, as far as reviewers can be compared; those with few ratings are counted, not shown."""
        from perfml.learning.labels import known_reviews, rating_scale
        from perfml.learning.raters import rater_model, severity_report

        opened = self.open(data)
        try:
            reviews = known_reviews(opened, until=_until(opened, until))
            return severity_report(rater_model(reviews, scale=rating_scale(opened)))
        finally:
            opened.close()

    def backtest(self, model: str, data: Source | None = None, *, until: dt.date | str | None = None) -> list[Backtest]:
        """The rolling-origin back-test of each horizon, beside the baseline, with intervals."""
        from perfml.learning.training import backtest

        opened = self.open(data)
        try:
            day = _until(opened, until)
            return backtest(opened, self.folder, model, until=day, progress=self._progress)
        finally:
            opened.close()

    def score(self, model: str, data: Source | None = None, *, as_of: Dates | None = None) -> pa.Table:
        """Score everyone employed at each as-of date (default: the end of the record) with the current model.

        The rows (``perfml.advice.scoring.SCHEMA``) are kept under ``home``, where the service and :meth:`explain` read.
        """
        from perfml.advice.replay import record_run
        from perfml.advice.scoring import keep_scores, score
        from perfml.learning.registry import load

        self.folder.model(model)
        loaded = load(self.home, model)
        opened = self.open(data)
        try:
            dates = _dates(as_of) if as_of else [end_of_record(opened)]
            _refuse_stale(opened, max(dates))
            scores = score(opened, self.folder, loaded, dates, progress=self._progress)
            keep_scores(scores, self.home)
            record_run(self.home, scores, data=opened, folder=self.folder)
        finally:
            opened.close()
        return scores

    def explain(self, employee_id: str, *, model: str, as_of: dt.date | str | None = None) -> list[ScoreRow]:
        """The kept score rows of one person, one for each horizon. Raises :class:`PerfmlError` where there are none."""
        folder = self.home / "scores" / model
        there = sorted(folder.glob("*.parquet"))
        if not there:
            raise PerfmlError(
                "nothing has been scored", where=str(folder), remedy=f"run `perfml score {model} --data …`"
            )
        path = folder / f"{_date(as_of)}.parquet" if as_of else there[-1]
        if not path.is_file():
            raise PerfmlError(
                "was not scored",
                where=f"{model} {as_of}",
                remedy=f"use one of: {', '.join(p.stem for p in there[-5:])}",
            )
        rows: list[ScoreRow] = pq.read_table(path, filters=[("employee_id", "=", employee_id)]).to_pylist()
        if not rows:
            raise PerfmlError(
                "has no score", where=f"{employee_id!r} in {path}", remedy="they were not employed at that date"
            )
        return rows

    def report(self, out: str | Path, *, as_of: dt.date | str | None = None, title: str | None = None) -> Path:
        """Write the self-contained HTML report of all models that were scored at ``as_of`` (default: the newest date kept).

        Raises :class:`PerfmlError` where nothing has been scored, :class:`ModelError` where a model was trained anew since.
        """
        from perfml.learning.registry import load
        from perfml.report import write_report

        kept = {name: sorted((self.home / "scores" / name).glob("*.parquet")) for name in self.folder.models}
        dates = sorted({path.stem for paths in kept.values() for path in paths})
        if not dates:
            raise PerfmlError(
                "nothing has been scored", where=str(self.home), remedy="run `perfml score MODEL --data …`"
            )
        day = _date(as_of) if as_of else _date(dates[-1])
        paths = {name: path for name, there in kept.items() for path in there if path.stem == day.isoformat()}
        if not paths:
            raise PerfmlError(
                "was not scored", where=f"as-of date {day}", remedy=f"use one of: {', '.join(dates[-5:])}"
            )
        return write_report(
            Path(out),
            title=title or self.folder.spec.name,
            as_of=day,
            models=[load(self.home, name) for name in paths],
            scores=[pq.read_table(path) for path in paths.values()],
        )


ScoreRow = dict[str, str | float | int | dt.date | list[Reason] | None]


def end_of_record(data: Data) -> dt.date:
    """The day after the last one on which anything was known: the first as-of date that can use all of it."""
    return data.last_day() + dt.timedelta(days=1)


def _refuse_stale(data: Data, as_of: dt.date) -> None:
    """Long after the record's end everyone seems to have fallen silent: raise :class:`DataError`."""
    end = end_of_record(data)
    if as_of > end + dt.timedelta(days=STALE_DAYS["events" if data.has("events") else "reviews"]):
        raise DataError(
            f"ends on {end}, too long before {as_of}",
            where=data.source,
            remedy="export it anew, or choose an earlier date",
        )


def _until(data: Data, until: dt.date | str | None) -> dt.date:
    """What was known by a day after the record's end is what was known at its end: nothing matures beyond it."""
    end = end_of_record(data)
    return min(_date(until), end) if until else end


def _date(value: dt.date | str) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise PerfmlError(f"{value!r} is not a date", where="as-of date", remedy="write YYYY-MM-DD") from None


def _dates(values: Dates) -> list[dt.date]:
    dates = sorted({_date(value) for value in ([values] if isinstance(values, str | dt.date) else values)})
    if not dates:
        raise PerfmlError("no date is named", where="as-of date", remedy="name one, e.g. 2026-10-01")
    return dates
