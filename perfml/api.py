"""The public verbs: from a company's tables to explained scores and suggestions.

Commands, routes and notebooks only translate to :class:`Project`. Each verb imports what it needs when it is called: LightGBM,
scikit-learn and MLflow take seconds to load, and most verbs need none of them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.dates import DateLike, DatesLike, date_of, dates_of
from perfml.errors import DataError, MissingTables, PerfmlError
from perfml.evidence.check import CheckReport, check
from perfml.evidence.features import Evidence, build, write
from perfml.evidence.people import people_at
from perfml.evidence.population.check import with_populations
from perfml.evidence.record_end import as_of_day, end_of_record, refuse_stale, until_day
from perfml.evidence.sources import Data, open_data
from perfml.messages import Language, Message, render
from perfml.progress import SILENT, Progress
from perfml.project.course_policy import CoursePolicy, SkillExamplesSpec, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.target_policy import TargetPolicy
from perfml.project.voices import Reader, Who
from perfml.scoring.people_files import PersonFacts, keep_people, people_facts
from perfml.scoring.score_files import StoredScore, first_column, person_rows
from perfml.trust.holds import held_people

if TYPE_CHECKING:
    from perfml.advice.decision_log import Decision, DecisionVerdict, Intervention
    from perfml.advice.person import PersonForHr, SharedPerson
    from perfml.advice.priorities import Priorities
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
        """Open the tables, typed and checked. Raises :class:`DataError` for the first table that exists and cannot be used."""
        source = data or self.folder.spec.data.source
        if source is None:
            raise DataError(
                "no data is named",
                where="--data",
                remedy="name a folder, a workbook, a DuckDB file or a postgresql:// URL",
            )
        self.progress("reading", 0, 1)
        try:
            opened = open_data(source, self.folder.definitions.tables, mappings=self.folder.sources, strict=strict)
        except MissingTables as error:
            seen = [render(message, "en") for message in self._likenesses(source)]
            raise DataError(error.problem, where=error.where, remedy="; ".join([*seen, error.remedy])) from None
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

    def check(self, data: DataLocation | None = None) -> CheckReport:
        """Report what the tables hold, what is wrong with them, and what can be computed and trained from them.

        What it says can be trained is back-tested by :meth:`train`: both look for the same definitions, tables and cases.
        """
        from perfml.learning.abilities import with_models

        with self.open(data, strict=False) as opened:
            report = with_populations(check(opened, self.folder.definitions), opened, self.folder)
            return with_models(report, opened, self.folder, progress=self.progress)

    def features(self, data: DataLocation | None = None, *, as_of: DatesLike) -> pd.DataFrame:
        """The evidence of everyone employed at each as-of date: one row per (employee_id, as_of), one column per feature."""
        return self.evidence(data, as_of=as_of).frame

    def evidence(self, data: DataLocation | None = None, *, as_of: DatesLike) -> Evidence:
        """Like :meth:`features`, with the meaning of each column and what was left out."""
        with self.open(data) as opened:
            return build(opened, self.folder.definitions, dates_of(as_of), progress=self.progress)

    def write_features(self, data: DataLocation | None, out: Path, *, as_of: DatesLike) -> int:
        """Write the evidence to a Parquet file in bounded memory; return the number of rows."""
        with self.open(data) as opened:
            return write(opened, self.folder.definitions, dates_of(as_of), out, progress=self.progress)

    # Models

    def train(self, model: str, data: DataLocation | None = None, *, until: DateLike | None = None) -> Model:
        """Back-test, train on what was known by ``until`` (default: the end of the record), apply every gate, and keep it all.

        The new version is the candidate. It is in use at once where no version has been promoted, else after :meth:`promote`.
        """
        from perfml.advice.decision_log import logged
        from perfml.learning.training import train

        self.home.mkdir(parents=True, exist_ok=True)
        with self.open(data) as opened:
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
            scores, people, features = scored_at(opened, self.folder, loaded, as_of=day, progress=self.progress)
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
            return severity_report(rater_model(reviews, scale=rating_scale(opened)))

    # Scores

    def score(self, model: str, data: DataLocation | None = None, *, as_of: DatesLike | None = None) -> pa.Table:
        """Score everyone employed at each as-of date (default: the end of the record) with the model in use.

        The rows (``perfml.scoring.scoring.SCHEMA``) are kept under ``home``, where the service and :meth:`explain` read.
        """
        return pa.concat_tables(pq.read_table(path) for path in self.write_scores(model, data, as_of=as_of))

    def write_scores(
        self, model: str, data: DataLocation | None = None, *, as_of: DatesLike | None = None
    ) -> list[Path]:
        """Like :meth:`score`, in bounded memory: return the files under ``home``, one for each date with employees."""
        from perfml.learning.registry.model_store import load
        from perfml.scoring.replay import record_run
        from perfml.scoring.scoring import keep_scores, score_in_parts

        self.folder.model(model)
        loaded = load(self.home, model)
        with self.open(data) as opened:
            dates = dates_of(as_of) if as_of else [end_of_record(opened)]
            refuse_stale(opened, max(dates))
            for day in dates:
                keep_people(people_at(opened, day), self.home, as_of=day)
            parts = score_in_parts(opened, self.folder, loaded, as_of=dates, progress=self.progress)
            records = record_run(self.home, keep_scores(parts, self.home), data=opened, folder=self.folder)
            return [record.with_suffix(".parquet") for record in records]

    def export_scores(self, files: Sequence[Path], out: str | Path, *, language: Language = "en") -> Path:
        """Write kept score ``files`` (of :meth:`write_scores`) as one file: ``.csv`` or ``.xlsx``, which people open, flat, with
        who each person is and the reasons in ``language``; or ``.parquet``, which holds the rows as they are kept."""
        from perfml.scoring.flat_scores import flat_scores
        from perfml.scoring.table_files import WRITERS, read_parts, write_parts

        target = Path(out)
        if target.suffix.lower() in WRITERS:
            write_parts(flat_scores(self.home, files, language=language), target)
        else:
            write_parts((part for path in files for part in read_parts(path)), target)
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
        from perfml.scoring.run_record import read_record

        rows = person_rows(self.home, model, employee_id, as_of=_date(as_of))
        name = first_column(rows, evidence)
        loaded = load(self.home, model, rows[0]["model_version"])
        (column,) = (c for c in loaded.columns if c.name == name)
        day = rows[0]["as_of"]
        record = read_record(self.home, model, day, needs=["definitions"])
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
            return curves(opened, self.folder, loaded, as_of=day, progress=self.progress)

    def replay(self, model: str, as_of: DateLike, data: DataLocation | None = None) -> Replay:
        """Recompute kept scores from the recorded data, definitions and model, and compare every value.

        Raises :class:`PerfmlError` naming what has changed since.
        """
        from perfml.scoring.replay import replay

        return replay(self.home, model, date_of(as_of), data=data, progress=self.progress)

    # Advice: nothing applies by itself

    def targets(
        self, data: DataLocation | None = None, *, as_of: DateLike | None = None, policy: str | None = None
    ) -> pa.Table:
        """Each goal in force at ``as_of`` (default: the end of the record) with its forecast and a suggestion inside the policy,
        or why there is none; see ``perfml.advice.targets.suggestion_rows.SCHEMA``. Kept under ``home`` for the service."""
        from perfml.advice.decision_log import DecisionLog
        from perfml.advice.suggestion_files import keep_suggestions
        from perfml.advice.targets.suggest import suggest

        name, spec = self.folder.policy_of(TargetPolicy, policy)
        with self.open(data) as opened:
            day = as_of_day(opened, as_of)
            suggestions = suggest(
                opened,
                spec,
                day,
                name=name,
                held=held_people(opened, day),
                refused=DecisionLog(self.home).refused(),
                progress=self.progress,
            )
            keep_people(people_at(opened, day), self.home, as_of=day)
        keep_suggestions(suggestions, self.home, policy=name, as_of=day)
        return suggestions

    def escalations(self, *, as_of: DateLike | None = None, policy: str | None = None) -> tuple[Escalation, ...]:
        """The cases beyond a target policy at a date with kept suggestions (default: the newest), the most people first.

        Raises :class:`PerfmlError` where there are none of that date.
        """
        from perfml.advice.suggestion_files import suggestion_file
        from perfml.advice.targets.escalations import escalations
        from perfml.scoring.table_files import read_rows

        name, _ = self.folder.policy_of(TargetPolicy, policy)
        _, path = suggestion_file(self.home, name, _date(as_of))
        return escalations(read_rows(path).to_pylist())

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
        from perfml.advice.courses.match import match
        from perfml.advice.courses.taxonomy import Taxonomy
        from perfml.advice.decision_log import DecisionLog
        from perfml.advice.suggestion_files import keep_suggestions

        name, spec = self.folder.policy_of(CoursePolicy, policy)
        _, skills = self.folder.policy_of(SkillsSpec)
        _, examples = self.folder.policy_of(SkillExamplesSpec)
        with self.open(data) as opened:
            day = as_of_day(opened, as_of)
            suggestions = match(
                opened,
                spec,
                taxonomy=Taxonomy.of(skills, examples),
                as_of=day,
                name=name,
                employees=employees,
                held=held_people(opened, day),
                refused=DecisionLog(self.home).refused(),
                progress=self.progress,
            )
            keep_people(people_at(opened, day), self.home, as_of=day)
        if employees is None:
            keep_suggestions(suggestions, self.home, policy=name, as_of=day)
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

        return work_list(
            self.home,
            model,
            self.folder.model(model).list,
            as_of=_date(as_of),
            capacity=capacity,
            settings=settings,
            horizon_days=horizon_days,
            hold_out_share=hold_out_share,
        )

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

        return person(self.home, employee_id, voice=voice, as_of=_date(as_of))

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
        from perfml.scoring.known_people import unknown_people

        unknown = unknown_people(self.home, {entry.employee_id for entry in interventions})
        if unknown:
            raise PerfmlError(
                "is nobody of whom anything is kept here",
                where=f"employee_id {min(unknown)!r}",
                remedy="check the id; people are known once a date has been scored or advised",
            )
        return DecisionLog(self.home).log(interventions, key=key or str(uuid.uuid4()))

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

        return report_home(self.home, self.folder, Path(out), as_of=_date(as_of), title=title, notices=notices)


def _date(value: DateLike | None) -> dt.date | None:
    return date_of(value) if value else None
