"""The public verbs: from a company's tables to explained scores and suggestions.

Commands, routes and notebooks only translate to :class:`Project`. Each verb imports what it needs when it is called: LightGBM,
scikit-learn and MLflow take seconds to load, and most verbs need none of them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import pandas as pd
import pyarrow as pa

from perfml.dates import DateLike, DatesLike, MomentLike, date_of, dates_of, moment_of
from perfml.errors import DataError, MissingTables, PerfmlError
from perfml.evidence.check import CheckReport, check
from perfml.evidence.features import Evidence, build, write
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.people import people_at, periods_at
from perfml.evidence.population.check import with_populations
from perfml.evidence.record_end import as_of_day, end_of_record, refuse_stale, until_day
from perfml.evidence.sources import Data, open_data
from perfml.evidence.withheld.undefined_metrics import set_aside_undefined
from perfml.files import private_folder
from perfml.messages import Bilingual, Language, Message, render
from perfml.progress import SILENT, Progress
from perfml.project.course_policy import CoursePolicy
from perfml.project.folder import ProjectFolder
from perfml.project.spec import Every
from perfml.project.starter import STARTER
from perfml.project.target_policy import TargetPolicy
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.project.voices import Reader, Who
from perfml.scoring.people.files import PersonFacts, keep_people, people_facts
from perfml.scoring.people.periods import keep_periods
from perfml.scoring.score_files import NoScore, StoredScore, first_column, person_rows, read_scores
from perfml.trust.definitions.holding import hold_clashes
from perfml.trust.definitions.undefined import with_metrics
from perfml.trust.deliveries.inbox import inbox
from perfml.trust.holds.facts import withheld_facts
from perfml.trust.notices.withheld import refuse_forbidden_kinds, train_without, withheld_people

if TYPE_CHECKING:
    from perfml.access.accounts import Account
    from perfml.access.credentials import Credential, IssuedSecret
    from perfml.advice.decision_log import Decision, DecisionVerdict, Intervention
    from perfml.advice.dispute_outcome import DisputeOutcome
    from perfml.advice.person import PersonForHr, SharedPerson
    from perfml.advice.priorities import Priorities
    from perfml.advice.served import ServedSample
    from perfml.advice.targets.backtest import TargetBacktest
    from perfml.advice.targets.escalations import Escalation
    from perfml.learning.fairness.run import FairnessAnswer
    from perfml.learning.registry.mlflow_tracking import Tracked
    from perfml.learning.registry.model_store import Model
    from perfml.learning.registry.promotion import Promotion
    from perfml.learning.validation.backtest import Backtest
    from perfml.mapping.proposal import MappingProposal
    from perfml.scoring.drift_check import HorizonDrift
    from perfml.scoring.replay import Replay
    from perfml.scoring.voiced import VoicedScore
    from perfml.trust.alerts.alert import Alert
    from perfml.trust.alerts.backtest import AlertsBacktest
    from perfml.trust.alerts.report import AlertReport
    from perfml.trust.audit.checkpoints import Checkpoint
    from perfml.trust.audit.history import AuditEvent
    from perfml.trust.audit.verifying import Verification
    from perfml.trust.definitions.report import DefinitionsReport
    from perfml.trust.definitions.versions import MetricVersion
    from perfml.trust.deliveries.alarms import Alarm
    from perfml.trust.deliveries.inbox import Receipt
    from perfml.trust.deliveries.report import DeliveryReport
    from perfml.trust.disputes.agreement import Agreement
    from perfml.trust.disputes.dispute import Dispute, DisputeVerdict
    from perfml.trust.disputes.dispute_log import DisputeLog
    from perfml.trust.governance.checklist import Check
    from perfml.trust.holds.covering import Units
    from perfml.trust.holds.hold import Hold
    from perfml.trust.notices.notice_log import Notice, NoticeState
    from perfml.trust.notices.retention import Retention
    from perfml.trust.reconciliation.reconcile import Reconciliation

__all__ = ["Project"]

DataLocation = str | Path


class Project:
    """A folder of definitions, with the verbs that turn a company's tables into explained scores.

    ``root``: the project (default: the working folder if it is one, else the starter project that perfml ships);
    ``home``: where models and scores live (default ``PERFML_HOME``, else ``<root>/var``); ``progress`` is called with
    the task, how much of it is done, and of how much. ``data`` in each verb is a folder of CSV or Parquet, a workbook,
    a DuckDB file or a ``postgresql://`` URL (default: ``perfml.toml``'s ``[data] source``).
    """

    def __init__(
        self, root: str | Path | None = None, *, home: str | Path | None = None, progress: Progress = SILENT
    ) -> None:
        chosen = Path(root) if root is not None else Path.cwd() if Path("perfml.toml").is_file() else STARTER
        self.folder = ProjectFolder(chosen)
        self.home = self.folder.home(Path(home) if home is not None else None)
        self.progress = progress

    # An export as it is

    def propose(self, export: DataLocation) -> MappingProposal:
        """Propose how an export is read: its files and sheets recognised, each column with a reason and a confidence, and the
        questions that only a person can answer (``proposal.questions()``, :meth:`MappingProposal.answered`)."""
        from perfml.mapping.propose import propose

        return propose(export, self.folder.definitions.tables)

    def map(
        self, proposal: MappingProposal, out: str | Path, *, language: Language = "en", force: bool = False
    ) -> list[Path]:
        """Write a project that reads the export of ``proposal`` into ``out``; reasons and open questions are comments in
        ``language``. Return its files. Raises :class:`PerfmlError` where one would be overwritten, unless ``force``."""
        from perfml.mapping.writing import write_project

        return write_project(proposal, Path(out), language=language, force=force)

    def template(self, directory: str | Path) -> list[Path]:
        """Write a workbook and CSV files to fill in, which are read without a mapping; return the files."""
        from perfml.mapping.template import write_template

        return write_template(self.folder.definitions.tables, Path(directory))

    # Data and evidence

    def open(self, data: DataLocation | None = None, *, strict: bool = True) -> Data:
        """Open the tables, typed and checked, without disputed facts.

        Raises :class:`DataError` for the first table that exists and cannot be used.
        """
        source = data or self.folder.spec.data.source
        if source is None:
            raise DataError(
                "no data is named",
                where="--data",
                remedy="name a folder, a workbook, a DuckDB file or a postgresql:// URL",
            )
        self.progress("reading", 0, 1)
        try:
            opened = open_data(
                source,
                self.folder.definitions.tables,
                mappings=self.folder.sources,
                inbox=inbox(self.home),
                strict=strict,
                withheld=withheld_facts(self.home),
            )
        except MissingTables as error:
            seen = [render(message, "en") for message in self._likenesses(source)]
            raise DataError(error.problem, where=error.where, remedy="; ".join([*seen, error.remedy])) from None
        if self.folder.metrics.required:
            set_aside_undefined(opened, self.folder.metrics.defined)
        refuse_forbidden_kinds(opened, self.folder, strict=strict)
        if not opened.has("employees") or not (opened.has("events") or opened.has("reviews")):
            opened.notices += self._likenesses(source, besides=opened.specs)
        self.progress("reading", 1, 1)
        return opened

    def _likenesses(self, source: DataLocation, *, besides: Container[str] = ()) -> list[Message]:
        """What the sheets of an export look like, for an error about the tables it lacks; nothing where it cannot be read."""
        try:
            return self.propose(source).likenesses(besides=besides)
        except DataError:
            return []

    def _held(self, opened: Data, as_of: dt.date) -> dict[str, Hold]:
        """Employee -> why there is no score. Whom a clash of definitions affects is held before anybody is scored or advised."""
        hold_clashes(self.home, self.folder.metrics, opened, as_of)
        return withheld_people(opened, self.folder, as_of, self.home)

    def _keep_people(self, opened: Data, day: dt.date) -> None:
        """Keep who is who at ``day``, and the positions that access rights stand on."""
        keep_people(people_at(opened, day), self.home, as_of=day, holds=opened.withheld.number)
        keep_periods(periods_at(opened, day), self.home, as_of=day)

    def check(self, data: DataLocation | None = None) -> CheckReport:
        """Report what the tables hold, what is wrong with them, and what can be computed and trained from them.

        What it says can be trained is back-tested by :meth:`train`: both look for the same definitions, tables and cases.
        """
        from perfml.learning.abilities import with_models

        with self.open(data, strict=False) as opened:
            report = with_populations(check(opened, self.folder.definitions), opened, self.folder)
            report = with_metrics(report, opened, self.folder.metrics)
            return with_models(report, opened, self.folder, progress=self.progress)

    def features(self, data: DataLocation | None = None, *, as_of: DatesLike) -> pd.DataFrame:
        """The evidence of everyone employed at each as-of date: one row per (employee_id, as_of), one column per feature."""
        return self.evidence(data, as_of=as_of).frame

    def evidence(self, data: DataLocation | None = None, *, as_of: DatesLike) -> Evidence:
        """Like :meth:`features`, with the meaning of each column and what was left out."""
        with self.open(data) as opened:
            evidence = build(opened, self.folder.definitions, dates_of(as_of), progress=self.progress)
        self._seen("features", map(str, evidence.frame["employee_id"].unique()))
        return evidence

    def missing_days(
        self, data: DataLocation | None = None, *, as_of: DateLike | None = None
    ) -> tuple[MissingDays, ...]:
        """The days that are missing from the log at ``as_of`` (default: the end of the record), each stretch with the people and
        the evidence that it reaches: undelivered, silent without an announcement, or after a feed has stopped."""
        from perfml.evidence.batches import missing_days

        with self.open(data) as opened:
            return missing_days(opened, self.folder.definitions, [date_of(as_of) if as_of else end_of_record(opened)])

    def write_features(self, data: DataLocation | None, out: Path, *, as_of: DatesLike) -> int:
        """Write the evidence to a Parquet file in bounded memory; return the number of rows."""
        with self.open(data) as opened:
            dates = dates_of(as_of)
            self._seen("features", {person for day in dates for person in _people_of(people_at(opened, day))})
            return write(opened, self.folder.definitions, dates, out, progress=self.progress)

    # Models

    def train(self, model: str, data: DataLocation | None = None, *, until: DateLike | None = None) -> Model:
        """Back-test, train on what was known by ``until`` (default: the end of the record), apply every gate, and keep it all.

        The new version is the candidate. It is in use at once where no version has been promoted, else after :meth:`promote`.
        """
        from threadpoolctl import threadpool_limits

        from perfml.advice.decision_log import logged
        from perfml.learning.training import train

        private_folder(self.home)
        # Threads of BLAS wait for each other longer than they compute on matrices of this size.
        with self.open(data) as opened, threadpool_limits(1, user_api="blas"):
            train_without(opened, self.folder, self.home)
            return train(
                opened,
                self.folder,
                model,
                home=self.home,
                until=until_day(opened, until),
                logged=logged(self.home),
                progress=self.progress,
            )

    def track(self, model: str | None = None, *, uri: str | None = None) -> list[Tracked]:
        """Log the candidate's training run and register it in MLflow; without ``model``, whatever could not be logged before.

        The tracking server is ``uri``, else ``MLFLOW_TRACKING_URI``, else an SQLite file under ``home``. A server that does
        not answer raises nothing: the run waits under ``home`` and is sent with the next call.
        """
        from perfml.learning.registry.mlflow_tracking import flush, record
        from perfml.learning.registry.promotion import candidate
        from perfml.report.training import training_pictures

        if model is None:
            return flush(self.home, uri=uri)
        trained = candidate(self.home, model)
        return [record(self.home, model, trained.version, plots=training_pictures(trained), uri=uri)]

    def promote(self, model: str, *, approver: str, reason: str, uri: str | None = None) -> Promotion:
        """Make the candidate the champion: a named person and a reason are required, and no gate may have failed.

        Raises :class:`ModelError` otherwise. MLflow's alias ``champion`` follows, now or when the server answers.
        """
        from perfml.learning.registry import mlflow_tracking, promotion

        self.folder.model(model)
        promoted = promotion.promote(self.home, model, approver=approver, reason=reason)
        mlflow_tracking.promote(
            self.home, model, promoted.version, approver=promoted.approver, reason=promoted.reason, uri=uri
        )
        return promoted

    def dashboard(
        self, model: str, out: str | Path, data: DataLocation | None = None, *, as_of: DateLike | None = None
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

        self.folder.model(model)
        loaded = load(self.home, model)
        with self.open(data) as opened:
            day = date_of(as_of) if as_of else end_of_record(opened)
            scores, people, features = scored_at(
                opened, self.folder, loaded, as_of=day, home=self.home, progress=self.progress
            )
        self._seen(f"dashboard {model}/{day}", _people_of(scores))
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
        self, model: str, data: DataLocation | None = None, *, until: DateLike | None = None
    ) -> list[Backtest]:
        """The rolling-origin back-test of each horizon, beside the baseline, with intervals."""
        from perfml.learning.training import backtest

        with self.open(data) as opened:
            return backtest(opened, self.folder, model, until=until_day(opened, until), progress=self.progress)

    def drift(
        self, model: str, data: DataLocation | None = None, *, as_of: DateLike | None = None
    ) -> list[HorizonDrift]:
        """Compare evidence, scores and outcomes with those the model in use was trained on: one verdict per horizon."""
        from perfml.learning.registry.model_store import load
        from perfml.scoring.drift_check import drift

        self.folder.model(model)
        loaded = load(self.home, model)
        with self.open(data) as opened:
            day = date_of(as_of) if as_of else end_of_record(opened)
            return drift(opened, self.folder, loaded, as_of=day, progress=self.progress)

    def fairness(
        self,
        model: str,
        data: DataLocation | None = None,
        *,
        mitigate: str | None = None,
        until: DateLike | None = None,
    ) -> FairnessAnswer:
        """The audit of the back-test, how well evidence predicts each protected attribute and, for the attribute
        ``mitigate``, what each mitigation costs."""
        from perfml.learning.fairness.run import fairness

        with self.open(data) as opened:
            day = until_day(opened, until)
            return fairness(opened, self.folder, model, until=day, cure=mitigate, progress=self.progress)

    def raters(self, data: DataLocation | None = None, *, until: DateLike | None = None) -> pd.DataFrame:
        """How severely each reviewer rates, as far as reviewers can be compared; those with few ratings are only counted."""
        from perfml.learning.dataset.labels import known_reviews, rating_scale
        from perfml.learning.dataset.raters import rater_model, severity_report

        with self.open(data) as opened:
            reviews = known_reviews(opened, until=until_day(opened, until))
            report = severity_report(
                rater_model(reviews, scale=rating_scale(opened)), min_others=self.folder.spec.disclosure.min_others
            )
        self._seen("raters", map(str, report["reviewer_id"].dropna()))
        return report

    # Scores

    def score(self, model: str, data: DataLocation | None = None, *, as_of: DatesLike | None = None) -> pa.Table:
        """Score everyone employed at each as-of date (default: the end of the record) with the model in use.

        The rows (``perfml.scoring.scoring.SCHEMA``) are kept under ``home``, where the service and :meth:`explain` read.
        """
        scores = pa.concat_tables(read_scores(path) for path in self.write_scores(model, data, as_of=as_of))
        self._seen(f"scores {model}", _people_of(scores))
        return scores

    def write_scores(
        self, model: str, data: DataLocation | None = None, *, as_of: DatesLike | None = None
    ) -> list[Path]:
        """Like :meth:`score`, in bounded memory: return the files under ``home``, one for each date with employees."""
        from perfml.learning.registry.model_store import load
        from perfml.scoring.replay import recorder
        from perfml.scoring.scoring import keep_scores, score_in_parts
        from perfml.scoring.withheld.provisional import provisional_entities

        self.folder.model(model)
        loaded = load(self.home, model)
        with self.open(data) as opened:
            dates = dates_of(as_of) if as_of else [end_of_record(opened)]
            refuse_stale(opened, max(dates))
            for day in dates:
                self._keep_people(opened, day)
            held = {day: self._held(opened, day) for day in dates}
            parts = score_in_parts(opened, self.folder, loaded, as_of=dates, held=held, progress=self.progress)
            provisional = {
                day: provisional_entities(self._reconciled(opened, day).rows) if opened.has("facts") else []
                for day in dates
            }
            record = recorder(self.home, data=opened, folder=self.folder, held=held, provisional=provisional)
            return list(keep_scores(parts, self.home, record=record))

    def export_scores(self, files: Sequence[Path], out: str | Path, *, language: Language = "en") -> Path:
        """Write kept score ``files`` (of :meth:`write_scores`) as one file: ``.csv`` or ``.xlsx``, which people open, flat, with
        who each person is and the reasons in ``language``; or ``.parquet``, which holds the rows as they are kept."""
        from perfml.scoring.flat_scores import flat_scores
        from perfml.scoring.table_files import WRITERS, read_parts, write_parts
        from perfml.scoring.withheld.withholding import withholding

        target = Path(out)
        for path in files:
            self._seen(f"export {path.parent.name}/{path.stem}", _people_of(read_scores(path)))
        if target.suffix.lower() in WRITERS:
            write_parts(flat_scores(self.home, files, language=language), target)
        else:
            write_parts((withholding(path).table(part) for path in files for part in read_parts(path)), target)
        return target

    def people(self, as_of: DateLike) -> dict[str, PersonFacts]:
        """Who everybody is that was scored or advised at ``as_of``: employee -> name, unit, manager, level, tenure. For HR."""
        return people_facts(self.home, date_of(as_of))

    @overload
    def explain(
        self, employee_id: str, *, model: str, as_of: DateLike | None = None, voice: Literal["hr"] | None = None
    ) -> list[StoredScore]: ...

    @overload
    def explain(
        self, employee_id: str, *, model: str, as_of: DateLike | None = None, voice: Reader
    ) -> list[VoicedScore]: ...

    def explain(
        self, employee_id: str, *, model: str, as_of: DateLike | None = None, voice: Who | None = None
    ) -> list[StoredScore] | list[VoicedScore]:
        """What is stored about one person, one row for each horizon; ``voice`` words the reasons for HR, manager or employee.

        HR reads score rows; manager and employee read reasons, and no probability, rank, band or contribution. Raises
        :class:`PerfmlError` where nothing is stored.
        """
        from perfml.learning.registry.artifacts import read_columns
        from perfml.reasons.voices import Voices
        from perfml.scoring.run_record import voices_of
        from perfml.scoring.voiced import VoicedScore

        rows = person_rows(self.home, model, employee_id, as_of=_date(as_of))
        self._seen(f"explain {model}", [employee_id])
        if voice is not None:
            columns = read_columns(self.home, model, rows[0]["model_version"])
            voices = Voices(voices_of(self.home, model, rows[0]["as_of"]), columns)
            if voice != "hr":
                return [VoicedScore.of(row, voices, voice) for row in rows]
            for row in rows:
                if row["status"] == "scored":
                    row["reasons"] = voices.retell(row["reasons"])
        return rows

    def rows_behind(
        self,
        employee_id: str,
        evidence: str,
        data: DataLocation | None = None,
        *,
        model: str,
        as_of: DateLike | None = None,
        most: int = 50,
    ) -> dict[str, pd.DataFrame]:
        """The rows of the company's own tables behind one reason of one person's score: table → at most ``most`` rows, newest
        first.

        ``evidence`` names the reason as score rows do; the shortest horizon that lists it is used. Its first column is looked
        up with the definitions of that scoring run, in what was known before its as-of date. Raises :class:`PerfmlError`
        where no horizon lists the reason.
        """
        from perfml.evidence.behind import rows_behind
        from perfml.evidence.fingerprint import kept_definitions
        from perfml.learning.registry.model_store import load
        from perfml.scoring.run_record import read_record, score_path

        rows = person_rows(self.home, model, employee_id, as_of=_date(as_of))
        self._seen(f"rows behind {model}", [employee_id])
        name = first_column(rows, evidence)
        loaded = load(self.home, model, rows[0]["model_version"])
        (column,) = (c for c in loaded.columns if c.name == name)
        day = rows[0]["as_of"]
        record = read_record(score_path(self.home, model, day))
        folder = self.folder if record is None else kept_definitions(self.home, record["definitions"])
        with self.open(data) as opened:
            return rows_behind(
                opened,
                folder.definitions,
                column,
                employee_id=employee_id,
                as_of=day,
                kinds=loaded.kinds,
                most=most,
            )

    def curves(self, model: str, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> pa.Table:
        """The probability of having left, by cause and month, and the expected days in employment; see
        ``perfml.scoring.curves.SCHEMA``."""
        from perfml.learning.registry.model_store import load
        from perfml.scoring.curves import curves

        self.folder.model(model)
        loaded = load(self.home, model)
        with self.open(data) as opened:
            day = date_of(as_of) if as_of else end_of_record(opened)
            drawn = curves(opened, self.folder, loaded, as_of=day, progress=self.progress)
        self._seen(f"curves {model}/{day}", _people_of(drawn))
        return drawn

    def replay(self, model: str, as_of: DateLike, data: DataLocation | None = None) -> Replay:
        """Recompute kept scores from the recorded data, definitions and model, and compare every value.

        Raises :class:`PerfmlError` naming what has changed since.
        """
        from perfml.scoring.replay import replay
        from perfml.scoring.run_record import score_path

        day = date_of(as_of)
        compared = replay(self.home, model, day, data=data, progress=self.progress)
        self._seen(f"replay {model}/{day}", _people_of(read_scores(score_path(self.home, model, day))))
        return compared

    def check_served(
        self, *, seed: str, files: int = 3, people: int = 20, data: DataLocation | None = None
    ) -> ServedSample:
        """Served equals known: recompute a random sample of the files of scores and suggestions that are or were served, and
        compare what is read of ``people`` of each for an answer.

        The same ``seed`` draws the same sample while nothing is added. What cannot be recomputed is reported, and raises nothing.
        """
        from perfml.advice.served import check_served

        return check_served(self.home, seed=seed, files=files, people=people, data=data)

    # Whether to believe it

    def definitions(self, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> DefinitionsReport:
        """What each metric means, who signed off its version, where sources clash and, given ``data``, whom that affects
        and which metrics nobody has defined."""
        from perfml.trust.definitions.report import definitions_report

        if data is None and self.folder.spec.data.source is None:
            return definitions_report(self.folder.metrics, self.home)
        with self.open(data, strict=False) as opened:
            day = date_of(as_of) if as_of else end_of_record(opened)
            return definitions_report(self.folder.metrics, self.home, data=opened, as_of=day)

    def sign_off(self, metric: str, version: int, *, by: str, reason: str, on: DateLike | None = None) -> MetricVersion:
        """Put a version of a metric's definition in force, in the name of ``by``, and lift what its clashes held.

        ``on``: default today. Raises :class:`PerfmlError` for another version than the one that stands in
        ``features/definitions.toml``, and without a name or a reason.
        """
        from perfml.trust.definitions.holding import lift_holds
        from perfml.trust.definitions.versions import sign_off

        signed = sign_off(self.home, self.folder.metrics, metric, version=version, by=by, reason=reason)
        day = date_of(on) if on else dt.datetime.now(dt.UTC).date()
        lift_holds(self.home, metric, by=by, reason=reason, on=day)
        return signed

    def reconcile(self, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> Reconciliation:
        """Compare what two systems report of each metric, on the same basis, the same attribution and closed days only.

        Each gap comes with its bridge, exact to the last decimal place; ``as_of``: default the end of the facts. A gap over the
        limit holds the affected entities and nobody else; for those held before, it is noted whether the day was clean.
        """
        from perfml.trust.reconciliation.cells import end_of_facts
        from perfml.trust.reconciliation.holding import hold_gaps

        with self.open(data) as opened:
            reconciliation = self._reconciled(opened, date_of(as_of) if as_of else end_of_facts(opened))
        hold_gaps(self.home, reconciliation, self.folder.metrics)
        return reconciliation

    def _reconciled(self, opened: Data, day: dt.date) -> Reconciliation:
        from perfml.trust.deliveries.report import delivery_packets
        from perfml.trust.reconciliation.holding import doubted_since
        from perfml.trust.reconciliation.reconcile import reconcile

        history = hold_clashes(self.home, self.folder.metrics, opened, day)
        end = dt.datetime.combine(day, dt.time()) - dt.timedelta(microseconds=1)
        packets = delivery_packets(self.home, self.folder.deliveries, opened, now=end)
        return reconcile(opened, self.folder.metrics, history, day, packets=packets, since=doubted_since(self.home))

    def write_reconciliation(self, reconciliation: Reconciliation, out: str | Path) -> Path:
        """Write a reconciliation as an HTML page with the picture of each bridge, in English and Chinese; return its path."""
        from perfml.report.reconciliation.writing import write_reconciliation

        return write_reconciliation(Path(out), reconciliation, self.folder.metrics)

    def rebase(self, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> pa.Table:
        """Propose what targets set under an earlier meaning of their metric become; see ``perfml.advice.targets.rebase``.

        Kept under ``home`` like suggestions, so that :meth:`decide` takes their ids. Nothing applies by itself.
        """
        from perfml.advice.suggestion_files import keep_suggestions
        from perfml.advice.targets.rebase import POLICY, rebase
        from perfml.trust.definitions.versions import history

        with self.open(data) as opened:
            day = as_of_day(opened, as_of)
            held = self._held(opened, day)
            proposals = rebase(opened, self.folder.metrics, history(self.home), day, held=held)
            self._keep_people(opened, day)
        keep_suggestions(proposals, self.home, policy=POLICY, as_of=day)
        self._seen(f"suggestions {POLICY}/{day}", _people_of(proposals))
        return proposals

    # Advice: nothing applies by itself

    def targets(
        self, data: DataLocation | None = None, *, as_of: DateLike | None = None, policy: str | None = None
    ) -> pa.Table:
        """Each goal in force at ``as_of`` (default: the end of the record) with its forecast and a suggestion inside the policy,
        or why there is none; see ``perfml.advice.targets.suggestion_rows.SCHEMA``. Kept under ``home`` for the service."""
        name, _ = self.folder.policy_of(TargetPolicy, policy)
        return self._suggest(name, data, as_of=as_of)

    def escalations(self, *, as_of: DateLike | None = None, policy: str | None = None) -> tuple[Escalation, ...]:
        """The cases beyond a target policy at a date with kept suggestions (default: the newest), the most people first.

        Raises :class:`PerfmlError` where there are none of that date.
        """
        from perfml.advice.suggestion_files import read_suggestions, suggestion_file
        from perfml.advice.targets.escalations import escalations

        name, _ = self.folder.policy_of(TargetPolicy, policy)
        _, path = suggestion_file(self.home, name, _date(as_of))
        return escalations(read_suggestions(path).to_pylist())

    def backtest_targets(
        self, policy: str, data: DataLocation | None = None, *, until: DateLike | None = None
    ) -> TargetBacktest:
        """The forecasts and suggestions of a target policy at past dates, beside seasonal-naive."""
        from perfml.advice.targets.backtest import backtest
        from perfml.advice.targets.suggest import suggest

        _, spec = self.folder.policy_of(TargetPolicy, policy)
        with self.open(data) as opened:
            return backtest(
                opened,
                spec,
                until=until_day(opened, until),
                suggest=lambda day: suggest(opened, spec, day),
                progress=self.progress,
            )

    def courses(
        self,
        data: DataLocation | None = None,
        *,
        as_of: DateLike | None = None,
        employees: Sequence[str] | None = None,
        policy: str | None = None,
    ) -> pa.Table:
        """The courses for the gaps of ``employees`` (default: everyone) as known at ``as_of``, or why there is none; see
        ``perfml.advice.courses.match.SCHEMA``. Suggestions for everyone are kept under ``home``, where the service reads."""
        name, _ = self.folder.policy_of(CoursePolicy, policy)
        return self._suggest(name, data, as_of=as_of, employees=employees)

    def _suggest(
        self, policy: str, data: DataLocation | None, *, as_of: DateLike | None, employees: Sequence[str] | None = None
    ) -> pa.Table:
        """The suggestions of ``policy``; those for everyone are kept with the record of their run."""
        from perfml.advice.decision_log import DecisionLog
        from perfml.advice.suggesting import suggestions_at
        from perfml.advice.suggestion_files import keep_suggestions, read_suggestions
        from perfml.scoring.replay import recorder

        with self.open(data) as opened:
            day = as_of_day(opened, as_of)
            held, refused = self._held(opened, day), DecisionLog(self.home).refused()
            suggestions = suggestions_at(
                opened,
                self.folder,
                policy,
                day,
                held=held,
                refused=refused,
                employees=employees,
                progress=self.progress,
            )
            self._keep_people(opened, day)
            if employees is None:
                record = recorder(self.home, data=opened, folder=self.folder, held={day: held})(day)
                record["refused"] = sorted(refused)
                path = keep_suggestions(suggestions, self.home, policy=policy, as_of=day, record=record)
                suggestions = read_suggestions(path)
        self._seen(f"suggestions {policy}/{day}", _people_of(suggestions))
        return suggestions

    def priorities(
        self,
        model: str,
        *,
        capacity: int | None = None,
        settings: int | None = None,
        as_of: DateLike | None = None,
        horizon_days: int | None = None,
        hold_out_share: float = 0.0,
    ) -> Priorities:
        """The people to talk to first, by the scores of ``model`` (default: the newest date, the shortest horizon).

        ``capacity``: how many people there is time for (default: the model's own list); ``settings``: the most people whose
        setting needs support. Raises :class:`PerfmlError` where nothing was scored.
        """
        from perfml.advice.work_list import work_list

        listed = work_list(
            self.home,
            model,
            self.folder.model(model).list,
            as_of=_date(as_of),
            capacity=capacity,
            settings=settings,
            horizon_days=horizon_days,
            hold_out_share=hold_out_share,
        )
        self._seen(f"priorities {model}/{listed.as_of}", listed.names)
        return listed

    @overload
    def person(
        self, employee_id: str, *, as_of: DateLike | None = None, voice: Literal["hr"] = "hr"
    ) -> PersonForHr: ...

    @overload
    def person(self, employee_id: str, *, as_of: DateLike | None = None, voice: Reader) -> SharedPerson: ...

    def person(self, employee_id: str, *, as_of: DateLike | None = None, voice: Who = "hr") -> SharedPerson:
        """One person in one answer: risk, its reasons, whose they are, and the courses, targets and offers that are kept.

        For ``voice`` manager or employee there is no probability, rank, band or name. Raises :class:`PerfmlError` where
        nothing is kept of the person.
        """
        from perfml.advice.person import person

        bundle = person(self.home, employee_id, voice=voice, as_of=_date(as_of))
        self._seen("person", [employee_id])
        return bundle

    def decide(
        self, suggestion_id: str, verdict: DecisionVerdict, *, by: str, reason: str = "", key: str | None = None
    ) -> Decision:
        """Store that ``by`` accepts or refuses a suggestion; only people apply it.

        The same decision under the same ``key`` (default: a new key) is stored once. Raises :class:`PerfmlError` for an
        unknown suggestion, and for a refusal without a reason.
        """
        from perfml.advice.decision_log import Decision, DecisionLog
        from perfml.advice.suggestion_files import find_suggestion

        if find_suggestion(self.home, suggestion_id) is None:
            raise PerfmlError(
                "there is no such suggestion",
                where=repr(suggestion_id),
                remedy="take an id that `perfml targets` or `perfml courses` gave",
            )
        decision = Decision(suggestion_id=suggestion_id, verdict=verdict, decided_by=by, reason=reason)
        return DecisionLog(self.home).decide(decision, key=key or str(uuid.uuid4()))

    def log(self, interventions: Sequence[Intervention], *, key: str | None = None) -> list[Intervention]:
        """Store who was offered help, and its outcome: all of ``interventions`` or, where one contradicts itself, none.

        Raises :class:`PerfmlError` for a person of whom nothing is kept.
        """
        from perfml.advice.decision_log import DecisionLog
        from perfml.scoring.people.known import unknown_people

        unknown = unknown_people(self.home, {entry.employee_id for entry in interventions})
        if unknown:
            raise PerfmlError(
                "is nobody of whom anything is kept here",
                where=f"employee_id {min(unknown)!r}",
                remedy="check the id; people are known once a date has been scored or advised",
            )
        return DecisionLog(self.home).log(interventions, key=key or str(uuid.uuid4()))

    # Deliveries

    def deliveries(self, data: DataLocation | None = None, *, now: MomentLike | None = None) -> DeliveryReport:
        """What was due from each feed of ``features/deliveries.toml`` by ``now`` (default: the clock's), and what came.

        A missed deadline raises an alarm once; its owner is told through the outbox, and the person of the escalation where
        nobody acknowledges. ``data``: where the table ``deliveries`` lies (default: ``perfml.toml``'s source, if it names one).
        """
        from perfml.trust.deliveries.report import delivery_packets, report_deliveries

        moment, spec = moment_of(now), self.folder.deliveries
        if data is None and self.folder.spec.data.source is None:
            seen = delivery_packets(self.home, spec, None, now=moment)
        else:
            with self.open(data, strict=False) as opened:
                seen = delivery_packets(self.home, spec, opened, now=moment)
        return report_deliveries(self.home, spec, seen, now=moment)

    def acknowledge(
        self, source: str, *, by: str, note: str = "", day: DateLike | None = None, now: MomentLike | None = None
    ) -> list[Alarm]:
        """Store that ``by`` takes care of the open alarms of a feed (of one business ``day``); nobody is told further.

        Raises :class:`PerfmlError` where none is open.
        """
        from perfml.trust.deliveries.alarms import acknowledge

        return acknowledge(self.home, source, by=by, note=note, day=_date(day), at=moment_of(now))

    def receive(
        self, source: str, file: str | Path, *, table: str | None = None, now: MomentLike | None = None
    ) -> Receipt:
        """Keep a late packet of rows of a feed, once: its rows are read with the tables of the company from then on.

        ``table``: whose rows they are (default: the one of the feed in ``features/deliveries.toml``). A correction or a
        retraction is a row with the same key and a later ``known_at``. When this returns, the packet is on disk.
        Raises :class:`DataError` for a file that cannot be read or rows without their key.
        """
        from perfml.trust.deliveries.inbox import receive
        from perfml.trust.deliveries.packet_files import packet_rows
        from perfml.trust.deliveries.report import table_of_feed

        name = table_of_feed(self.folder, source, table)
        spec = self.folder.definitions.tables[name]
        return receive(self.home, source, packet_rows(Path(file)), table=name, spec=spec, at=moment_of(now))

    # Alerts

    def alerts(
        self, data: DataLocation | None = None, *, as_of: DateLike | None = None, policy: str | None = None
    ) -> AlertReport:
        """Look at ``as_of`` (default: the end of the record) with the rules of ``models/alerts.toml``: new alerts are stored
        and told through the outbox, what nobody acknowledges is escalated, what no longer holds is resolved.

        The same look again changes nothing. Nothing is said about people who are held, opted out or away. A rule whose
        evidence the record does not have is insufficient, and ends nothing else.
        """
        from perfml.trust.alerts.report import report_alerts

        name, spec = self.folder.policy_of(AlertsSpec, policy)
        with self.open(data) as opened:
            report = report_alerts(
                opened,
                self.folder.definitions,
                spec,
                as_of_day(opened, as_of),
                policy=name,
                home=self.home,
                held=lambda day: self._held(opened, day).keys(),
                progress=self.progress,
            )
        self._seen(f"alerts {report.day}", report.people)
        return report

    def acknowledge_alert(self, alert_id: str, *, by: str, note: str = "", today: DateLike | None = None) -> Alert:
        """Store that ``by`` takes care of an alert, so that nobody else is told.

        Raises :class:`PerfmlError` for an unknown alert and for one that somebody takes care of already.
        """
        from perfml.trust.alerts.alert_log import acknowledge

        return acknowledge(self.home, alert_id, by=by, note=note, on=_today(today))

    def backtest_alerts(
        self,
        data: DataLocation | None = None,
        *,
        until: DateLike | None = None,
        every: Every = "week",
        policy: str | None = None,
    ) -> AlertsBacktest:
        """What each rule would have been worth at past dates whose outcomes have matured: how early it would have spoken before
        the outcome, how often for nothing, and how many alerts that makes."""
        from perfml.trust.alerts.backtest import backtest

        name, spec = self.folder.policy_of(AlertsSpec, policy)
        with self.open(data) as opened:
            return backtest(
                opened,
                self.folder,
                spec,
                until=until_day(opened, until),
                every=every,
                policy=name,
                progress=self.progress,
            )

    # What the law asks

    def give_notice(self, notices: Sequence[Notice]) -> int:
        """Store that people were told, all of ``notices`` or none; return their number. The same notice is stored once.

        Raises :class:`PerfmlError` for a version that ``models/notices.toml`` does not define.
        """
        from perfml.trust.notices.notice_log import NoticeLog
        from perfml.trust.notices.withheld import notices_of

        return NoticeLog(self.home).give(notices, notices_of(self.folder))

    def notices(self) -> dict[str, NoticeState]:
        """Employee → what they were told and when, whether they opted out, and outcomes whose package is due."""
        from perfml.trust.notices.notice_log import NoticeLog

        return NoticeLog(self.home).states()

    def opt_out(self, employee_id: str, *, by: str, on: DateLike | None = None, withdraw: bool = False) -> NoticeState:
        """Store that a person wants no score (``withdraw``: wants to be scored again). From then on none is computed, for
        any date, and their record trains no model unless the policy says so."""
        from perfml.trust.notices.notice_log import NoticeLog

        log, day = NoticeLog(self.home), _date(on) or moment_of(None).date()
        return (log.opt_in if withdraw else log.opt_out)(employee_id, by=by, on=day)

    def outcome(self, employee_id: str, *, what: str, by: str, on: DateLike | None = None) -> NoticeState:
        """Store an adverse outcome that people decided on, so that its package is due (:meth:`package`)."""
        from perfml.trust.notices.notice_log import NoticeLog

        return NoticeLog(self.home).outcome(employee_id, what=what, by=by, on=_date(on) or moment_of(None).date())

    def package(
        self,
        employee_id: str,
        out: str | Path,
        data: DataLocation | None = None,
        *,
        as_of: DateLike | None = None,
        now: MomentLike | None = None,
    ) -> Path:
        """Write the package for an adverse outcome, ``.html`` or ``.md``, in Chinese and English: what the system is, the part
        it played, inputs and their sources, how to correct them, how to get a human review.

        ``as_of``: a date that was scored (default: the newest, else the end of the record).
        """
        from perfml.files import write_text
        from perfml.trust.notices.notice_log import NoticeLog, NoticeState
        from perfml.trust.notices.package import package
        from perfml.trust.notices.withheld import notices_of

        log, today, target = NoticeLog(self.home), moment_of(now).date(), Path(out)
        self._seen("package", [employee_id])
        state = log.states().get(employee_id, NoticeState(employee_id=employee_id))
        scores = []
        for name, spec in self.folder.models.items():
            try:
                voiced = self.explain(employee_id, model=name, as_of=as_of, voice="employee")
            except NoScore:
                continue
            scores += [(Bilingual(en=spec.en, zh=spec.zh), row) for row in voiced]
        with self.open(data) as opened:
            day = _date(as_of) or max((row.as_of for _, row in scores), default=end_of_record(opened))
            text = package(
                opened, self.folder.definitions, notices_of(self.folder), state, scores, as_of=day, issued_on=today
            )
        content = text.html() if target.suffix.lower() == ".html" else text.markdown()
        write_text(target, content)
        log.package_made(employee_id, on=today, content=content)
        return target

    def retention(self, *, now: MomentLike | None = None, apply: bool = False) -> Retention:
        """What is older than the policy keeps (at least three years); with ``apply`` it is erased."""
        from perfml.trust.notices.retention import retention
        from perfml.trust.notices.withheld import notices_of

        years = notices_of(self.folder).retention_years
        return retention(self.home, years=years, today=moment_of(now).date(), apply=apply)

    def governance(self, data: DataLocation | None = None, *, now: MomentLike | None = None) -> tuple[Check, ...]:
        """The checklist for a works council, computed from the state of the system at ``now``: each rule passes, fails or is
        unknown, with its evidence and its remedy. ``data``: what reconciliation and versions are judged on."""
        from perfml.scoring.people.known import scored_people
        from perfml.trust.deliveries.report import delivery_packets
        from perfml.trust.governance.checklist import checklist
        from perfml.trust.governance.state import SystemState

        moment, scored, named = moment_of(now), scored_people(self.home), data or self.folder.spec.data.source
        with nullcontext() if named is None else self.open(data, strict=False) as opened:
            packets = delivery_packets(self.home, self.folder.deliveries, opened, now=moment)
            return checklist(
                SystemState.of(self.home, self.folder, opened, day=moment.date(), packets=packets, scored=scored)
            )

    def write_governance(self, checks: Sequence[Check], out: str | Path, *, now: MomentLike | None = None) -> Path:
        """Write the checklist of :meth:`governance` as one HTML page that names nobody, for a works council."""
        from perfml.report.governance import write_governance

        return write_governance(Path(out), checks, day=moment_of(now).date())

    # Access

    def grant(
        self,
        account: str,
        role: str,
        *,
        by: str,
        units: Sequence[str] = (),
        employee: str | None = None,
        begins: DateLike | None = None,
        until: DateLike | None = None,
    ) -> Account:
        """Grant ``account`` a role: hr (over ``units``: ``department:NAME``, ``location:NAME``, ``everything``), employee,
        data_scientist, auditor or administrator, from ``begins`` (default: today) until before ``until``.

        ``employee``: which employee the account is; their own data and reporting line follow. Raises :class:`PerfmlError`.
        """
        from perfml.access.accounts import AccountLog
        from perfml.access.principals import RoleGrant, role_of

        first = _date(begins) or moment_of(None).date()
        grant = RoleGrant(role=role_of(role), units=frozenset(units), begins=first, ends=_date(until))
        return AccountLog(self.home).grant(account, grant, by=by, employee_id=employee)

    def revoke(
        self, account: str, role: str | None = None, *, by: str, today: DateLike | None = None
    ) -> tuple[Account, int]:
        """End a role of ``account`` from today on; without ``role`` all of them, and its tokens and sessions, which are counted.

        Raises :class:`PerfmlError` where it does not have the role.
        """
        from perfml.access.accounts import AccountLog
        from perfml.access.credentials import CredentialLog
        from perfml.access.principals import role_of

        log, day = AccountLog(self.home), _date(today) or moment_of(None).date()
        if role is not None:
            return log.revoke(account, role_of(role), by=by, day=day), 0
        ended = CredentialLog(self.home).revoke_all(account, by=by)
        return log.revoke_all(account, by=by, day=day), ended

    def revoke_credential(self, credential: str, *, by: str) -> Credential:
        """End a token or a session, by its id, at once. Raises :class:`PerfmlError` where there is none."""
        from perfml.access.credentials import CredentialLog

        return CredentialLog(self.home).revoke(credential, by=by)

    def accounts(self) -> list[Account]:
        """Every account with the roles granted to it."""
        from perfml.access.accounts import AccountLog

        return AccountLog(self.home).accounts()

    def credentials(self, *, now: MomentLike | None = None) -> list[Credential]:
        """The tokens, sessions and set-up links that are valid at ``now`` (default: the clock's), without their secrets."""
        from perfml.access.credentials import CredentialLog

        moment = moment_of(now)
        return [each for each in CredentialLog(self.home).credentials() if each.valid(moment)]

    def token(
        self,
        account: str,
        *,
        by: str,
        days: int = 90,
        actions: Sequence[str] | None = None,
        label: str = "",
        now: MomentLike | None = None,
    ) -> IssuedSecret:
        """Make an API token of ``account`` for ``days``, limited to ``actions`` (default: whatever the account may do).

        The secret is in the answer and nowhere else. Raises :class:`PerfmlError`.
        """
        from perfml.access.actions import actions_of
        from perfml.access.credentials import CredentialLog

        limits = None if actions is None else actions_of(actions)
        return CredentialLog(self.home).token(
            account, by=by, now=moment_of(now), lasts=dt.timedelta(days=days), actions=limits, label=label
        )

    def is_set_up(self) -> bool:
        """Whether somebody is administrator; before, the service answers this machine without asking who it is."""
        from perfml.access.setting_up import is_set_up

        return is_set_up(self.home, moment_of(None).date())

    def setup_link(self, *, by: str, now: MomentLike | None = None) -> IssuedSecret:
        """Make the link by which the first administrator is named, once and within an hour.

        Raises :class:`PerfmlError` where somebody is administrator already.
        """
        from perfml.access.setting_up import make_setup_link

        return make_setup_link(self.home, by=by, now=moment_of(now))

    # The audit log

    def _seen(self, what: str, people: Iterable[str]) -> None:
        """Record that ``what`` is shown about ``people``. Raises :class:`PerfmlError` where it cannot, so that nothing
        is shown; on a full disk it is recorded later."""
        from perfml.trust.audit.seeing import record_seen

        record_seen(self.home, what, people)

    def verify_audit(self, *, checkpoints: str | Path | None = None) -> Verification:
        """Compare the audit log with its hashes, its signed ``checkpoints`` (a folder; default: that of this home) and the
        entries of the store; what is wrong is named with its remedy."""
        from perfml.trust.audit.verifying import verify

        return verify(self.home, checkpoints=None if checkpoints is None else Path(checkpoints))

    def checkpoint_audit(self, *, now: MomentLike | None = None) -> tuple[Checkpoint, Path]:
        """Sign what the audit log holds at ``now``, in a file outside the database: rows removed later are missed."""
        from perfml.trust.audit.checkpoints import write_checkpoint

        return write_checkpoint(self.home, now=moment_of(now))

    def audit(self, employee_id: str) -> tuple[AuditEvent, ...]:
        """Who saw a person's scores and reasons and what was recorded about them, when, by whom and for what purpose."""
        from perfml.trust.audit.history import history_of

        return history_of(self.home, employee_id)

    def erase_audit(self, employee_id: str, *, by: str, reason: str) -> None:
        """Erase a person from the audit log by deleting their key; the log still verifies."""
        from perfml.trust.audit.history import erase_person

        erase_person(self.home, employee_id, by=by, reason=reason)

    # Holds and disputes

    def holds(self, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> tuple[Hold, ...]:
        """The holds in force; with ``data`` those on broken rows too, at ``as_of`` (default: the end of the record)."""
        from perfml.trust.holds.hold_log import HoldLog
        from perfml.trust.holds.quarantine import quarantine_holds

        entered = HoldLog(self.home).active()
        if data is None:
            return entered
        with self.open(data) as opened:
            day = date_of(as_of) if as_of else end_of_record(opened)
            return (*entered, *quarantine_holds(opened, day).values())

    def release(
        self, hold_id: str, *, by: str, reason: str, data: DataLocation | None = None, today: DateLike | None = None
    ) -> Hold:
        """Lift a hold after its clean days, signed off ``by`` a person; what stands on it is computed again where data are named.

        Whom it covered is sent a message. Scores of dates on which the data were not whole yet stay held. Raises
        :class:`PerfmlError`, naming the days seen, where clean days are missing, and without a name or a reason.
        """
        from perfml.scoring.withheld.withholding import kept_units
        from perfml.trust.holds.hold_log import HoldLog

        day = _today(today)
        units = kept_units(self.home, day)
        hold = HoldLog(self.home).release(hold_id, by=by, reason=reason, on=day, units=units)
        self.recompute(data)
        return hold

    def stop(self, *, by: str, reason: str, today: DateLike | None = None) -> Hold:
        """Hold everything at once, until :meth:`resume`. Raises :class:`PerfmlError` without a name or a reason."""
        from perfml.trust.holds.hold_log import HoldLog

        return HoldLog(self.home).stop(by=by, reason=reason, on=_today(today))

    def resume(self, *, by: str, reason: str, today: DateLike | None = None) -> Hold:
        """Lift the stop. Raises :class:`PerfmlError` where nothing is stopped, and without a name or a reason."""
        from perfml.trust.holds.hold_log import HoldLog

        return HoldLog(self.home).resume(by=by, reason=reason, on=_today(today))

    def recompute(self, data: DataLocation | None = None) -> list[Path]:
        """Compute again what stands on facts and areas about which something was entered since; return the new files.

        The old ones are kept as superseded. Nothing is computed where no data are named here or in the project.
        """
        from perfml.dated_files import dates_in
        from perfml.scoring.withheld.withholding import is_behind

        if data is None and self.folder.spec.data.source is None:
            return []
        written: list[Path] = []
        for name in self.folder.models:
            folder = self.home / "scores" / name
            days = [day for day in dates_in(folder) if is_behind(folder / f"{day}.parquet")]
            written += self.write_scores(name, data, as_of=days) if days else []
        for name, spec in self.folder.policies.items():
            folder = self.home / "suggestions" / name
            days = [day for day in dates_in(folder)[:1] if is_behind(folder / f"{day}.parquet")]
            for day in days:
                if isinstance(spec, TargetPolicy):
                    self.targets(data, as_of=day, policy=name)
                elif isinstance(spec, CoursePolicy):
                    self.courses(data, as_of=day, policy=name)
            written += [folder / f"{day}.parquet" for day in days]
        return written

    def superseded(self, model: str, employee_id: str, *, as_of: DateLike) -> list[StoredScore]:
        """The score rows of one person as they were before ``as_of`` was computed again; none where it never was."""
        from perfml.scoring.withheld.superseded import superseded_rows

        rows = superseded_rows(self.home, model, employee_id, as_of=date_of(as_of))
        self._seen(f"superseded {model}/{date_of(as_of)}", [employee_id])
        return rows

    def dispute(
        self,
        employee_id: str,
        *,
        table: str,
        key: str,
        right: Mapping[str, str],
        by: str,
        proof: str | Path | None = None,
        data: DataLocation | None = None,
        today: DateLike | None = None,
        idempotency_key: str | None = None,
    ) -> Dispute:
        """Dispute a row of ``employee_id``: ``right`` holds the right values of wrong columns, and is empty where the row should
        not exist. The row is withheld everywhere from now on, until somebody else decides.

        Raises :class:`PerfmlError` for a row that is not theirs, a value or a proof that cannot be used, and over the quota.
        """
        from perfml.evidence.withheld.stored_fact import stored_fact
        from perfml.trust.disputes.proofs import read_file
        from perfml.trust.disputes.verbs import file_dispute

        if (same := self._disputes().open_dispute(employee_id, table=table, key=key)) is not None:
            return same
        fact = None
        if data is not None or self.folder.spec.data.source is not None:
            with self.open(data) as opened:
                fact = stored_fact(opened, employee_id, table=table, key=key)
        rules = self.folder.spec.disputes
        return file_dispute(
            self.home,
            rules,
            self.folder.definitions.tables,
            employee_id,
            table=table,
            key=key,
            right=right,
            by=by,
            on=_today(today),
            fact=fact,
            proof=None if proof is None else read_file(Path(proof), max_bytes=rules.max_proof_bytes),
            idempotency_key=idempotency_key or str(uuid.uuid4()),
        )

    def disputes(self, employee_id: str | None = None) -> tuple[Dispute, ...]:
        """The disputes of a person (default: of everyone), oldest first."""
        return self._disputes().disputes(employee_id)

    def disputed(self, dispute_id: str) -> DisputeOutcome:
        """A dispute with what the person may see of before and after: the row, and the reasons of their scores."""
        from perfml.advice.dispute_outcome import dispute_outcome

        outcome = dispute_outcome(self.home, self._disputes().dispute(dispute_id))
        self._seen(f"dispute {dispute_id}", [outcome.employee_id])
        return outcome

    def resolve(
        self,
        dispute_id: str,
        verdict: DisputeVerdict,
        *,
        by: str,
        reason: str,
        data: DataLocation | None = None,
        today: DateLike | None = None,
    ) -> Dispute:
        """Uphold or reject a dispute; what stands on the fact is computed again where data are named, and the person is told.

        ``by``: the employee id of somebody outside the line of the person. Raises :class:`PerfmlError` otherwise.
        """
        day = _today(today)
        log = self._disputes()
        lines = self._lines(data, [log.dispute(dispute_id).filed_on, day])
        decided = log.decide(dispute_id, verdict, by=by, reason=reason, on=day, lines=lines)
        self.recompute(data)
        return decided

    def review(
        self,
        dispute_id: str,
        verdict: DisputeVerdict,
        *,
        by: str,
        reason: str,
        data: DataLocation | None = None,
        today: DateLike | None = None,
    ) -> Dispute:
        """Note what a second reviewer would have decided: it changes nothing, and is measured by :meth:`agreement`."""
        day = _today(today)
        log = self._disputes()
        lines = self._lines(data, [log.dispute(dispute_id).filed_on, day])
        return log.review(dispute_id, verdict, by=by, reason=reason, on=day, lines=lines)

    def escalate(self, *, today: DateLike | None = None) -> tuple[Dispute, ...]:
        """Tell whom the project names of disputes that are overdue, each once; return those."""
        return self._disputes().escalate(_today(today))

    def agreement(self) -> Agreement:
        """How often second reviewers agree with the decisions."""
        from perfml.trust.disputes.agreement import agreement

        return agreement(self.disputes(), least=self.folder.spec.disputes.least_reviews)

    def _disputes(self) -> DisputeLog:
        from perfml.trust.disputes.dispute_log import DisputeLog

        return DisputeLog(self.home, self.folder.spec.disputes)

    def _lines(self, data: DataLocation | None, days: Sequence[dt.date]) -> list[Units]:
        """The reporting lines as known after each of ``days``: from the data where they are named, else as they are kept."""
        from perfml.scoring.withheld.withholding import kept_units
        from perfml.trust.holds.held import units_at

        after = [day + dt.timedelta(days=1) for day in days]
        if data is None and self.folder.spec.data.source is None:
            return [kept_units(self.home, day) for day in after]
        with self.open(data) as opened:
            return [units_at(opened, day) for day in after]

    # The report

    def report(
        self,
        out: str | Path,
        *,
        as_of: DateLike | None = None,
        title: str | None = None,
        notices: Sequence[Message] = (),
    ) -> Path:
        """Write the self-contained HTML report of all models scored at ``as_of`` (default: the newest date with scores), with
        the list before it, the newest suggestions up to that date, and ``notices`` on the data.

        Raises :class:`PerfmlError` where nothing has been scored, :class:`ModelError` where a model was retrained since.
        """
        from perfml.report.of_home import report_home
        from perfml.scoring.people.known import scored_people

        self._seen(f"report {as_of or 'newest'}", scored_people(self.home))
        return report_home(self.home, self.folder, Path(out), as_of=_date(as_of), title=title, notices=notices)


def _today(value: DateLike | None) -> dt.date:
    """``value``, else the clock's day, UTC."""
    return date_of(value) if value else dt.datetime.now(dt.UTC).date()


def _date(value: DateLike | None) -> dt.date | None:
    return date_of(value) if value else None


def _people_of(rows: pa.Table) -> list[str]:
    """Everyone in ``rows``."""
    return [str(person) for person in rows.column("employee_id").unique().to_pylist()]
