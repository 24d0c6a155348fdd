"""Runs of training that are kept, version by version: what each was trained on, what its back-test showed, which is in force."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from perfml.errors import ModelError
from perfml.learning.record import (
    NO_FIGURE,
    CalibrationBin,
    Figure,
    FoldRecord,
    ListRecord,
    TrainingCounts,
    TrainingRecord,
    YearRecord,
)
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, pointed, versions
from perfml.learning.registry.promotion import unproven
from perfml.messages import Message
from perfml.service.answers.checks.fairness import HorizonFairnessAnswer
from perfml.service.answers.models import HorizonAnswer, one_version
from perfml.service.answers.shared import Answer, PageAnswer, PageCursor, PageLimit, ServiceQuery, TextAnswer
from perfml.service.paging import ListVersion
from perfml.service.problems import NotFound, Problem, problem_of
from perfml.service.store import Store

RunState = Literal["in force", "in use", "candidate", "earlier"]
"""``in use``: the newest version, as long as nobody has put one in force."""


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One version of a model."""

    model: str
    version: str
    state: RunState
    kept_at: dt.datetime
    """When its files were written, UTC without a zone."""
    record: TrainingRecord | None
    problem: Problem | None = None
    """Why its files cannot be read."""

    @property
    def title(self) -> TextAnswer:
        """What the model predicts."""
        spec = None if self.record is None else self.record.spec
        return TextAnswer(zh=self.model, en=self.model) if spec is None else TextAnswer(zh=spec.zh, en=spec.en)


class RunHorizonAnswer(Answer):
    """What the back-test of a run showed for one horizon, in short."""

    horizon_days: int
    proven: bool
    """No gate failed. Otherwise there is no list."""
    auc: Figure
    gates_failed: int
    gates_insufficient: int
    """Gates with too little data to judge."""


class RunSummaryAnswer(Answer):
    """Which run it is."""

    model: str
    title: TextAnswer
    version: str
    state: RunState
    """``in force``: somebody approved it. ``in use``: the newest one, as long as nobody has put one in force."""
    kept_at: dt.datetime
    """When its files were written."""


class RunRowAnswer(RunSummaryAnswer):
    """One run of a list."""

    trained_until: dt.date | None
    """Only what was known, and labels that had matured, by this date were used; null where its files cannot be read."""
    horizons: tuple[RunHorizonAnswer, ...]
    problem: Problem | None
    """Why its files cannot be read."""

    @classmethod
    def of(cls, run: TrainingRun) -> RunRowAnswer:
        """From the run."""
        record = run.record
        return cls(
            **dict(_summary(run)),
            trained_until=None if record is None else record.until,
            horizons=() if record is None else tuple(_in_short(record, days) for days in sorted(record.backtests)),
            problem=run.problem,
        )


class RunsAnswer(PageAnswer):
    """One page of the runs of a model, the newest first."""

    runs: tuple[RunRowAnswer, ...]


class ListLengthAnswer(Answer):
    """Outcomes among lists of one length in the back-test."""

    share: float
    """Of the people of a date who are listed."""
    listed: int
    cases: int
    precision: float | None
    low: float | None
    high: float | None


class RunHorizonDetailAnswer(HorizonAnswer):
    """What the run was trained on for one horizon, and all that its back-test showed."""

    training: TrainingCounts | None
    """Rows that it was fitted on, and those with the outcome."""
    folds: tuple[FoldRecord, ...]
    bins: tuple[CalibrationBin, ...]
    """Expected and observed share in ten groups of equal size."""
    lists: tuple[ListLengthAnswer, ...]
    by_year: tuple[YearRecord, ...]
    fairness: HorizonFairnessAnswer | None
    """The audit; groups that were withheld in training are withheld."""


class RunAnswer(RunSummaryAnswer):
    """One run: data, gates, figures with intervals, fairness, and whether it can be put in force."""

    trained_until: dt.date
    """Only what was known, and labels that had matured, by this date were used."""
    as_of_dates: tuple[dt.date, dt.date]
    """The first and the last as-of date of its rows."""
    data_fingerprint: str
    """State of the data."""
    definitions: str
    """State of the definitions."""
    perfml: str
    python: str
    left_out: tuple[TextAnswer, ...]
    """Evidence and horizons that the data did not allow."""
    unproven: TextAnswer | None
    """Why it cannot be put in force: it fails a gate at every horizon. No gate can be waived."""
    horizons: tuple[RunHorizonDetailAnswer, ...]


class RunsQuery(ServiceQuery):
    """Which page of the runs."""

    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


def run_list(store: Store, model: str, query: RunsQuery) -> RunsAnswer:
    """Return one page of the runs of a model. Raises :class:`NotFound`, and :class:`ListReplaced` after another training."""
    newest = _newest_first(store, model)
    whole = ListVersion(address=f"/v1/models/{model}/runs", parameters={}, version=" ".join(newest))
    page = whole.page(list(enumerate(newest)), lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return RunsAnswer(
        runs=tuple(RunRowAnswer.of(_run(store, model, version)) for _, version in page.rows),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def run_details(store: Store, model: str, version: str) -> RunAnswer:
    """Return one run. Raises :class:`NotFound` and :class:`ModelError` as :func:`one_run` does."""
    run, record = one_run(store, model, version), store.record(model, version)
    why = unproven(record)
    return RunAnswer(
        **dict(_summary(run)),
        trained_until=record.until,
        as_of_dates=record.as_of_dates,
        data_fingerprint=record.data_fingerprint,
        definitions=record.definitions,
        perfml=record.perfml,
        python=record.python,
        left_out=tuple(map(TextAnswer.of, record.left_out)),
        unproven=None if why is None else TextAnswer.of(why),
        horizons=tuple(_in_detail(each, record) for each in one_version(store, model, version).horizons),
    )


def runs_of(store: Store, model: str) -> list[TrainingRun]:
    """The runs of a model, the newest first. Raises :class:`NotFound` for an unknown model."""
    return [_run(store, model, version) for version in _newest_first(store, model)]


def one_run(store: Store, model: str, version: str) -> TrainingRun:
    """One run. Raises :class:`NotFound` for a version that is not kept, and :class:`ModelError` where it cannot be read."""
    require_run(store, model, version)
    store.record(model, version)
    return _run(store, model, version)


def require_run(store: Store, model: str, version: str) -> None:
    """Raise :class:`NotFound` for an unknown model, and for a version of it that is not kept."""
    store.version(model)
    if version not in versions(store.home, model):
        raise NotFound(Message.of("service_unknown_run"), where=f"model {model}", remedy=Message.of("service_see_runs"))


def _newest_first(store: Store, model: str) -> list[str]:
    store.version(model)
    return versions(store.home, model)[::-1]


def _run(store: Store, model: str, version: str) -> TrainingRun:
    record, problem = None, None
    try:
        record = store.record(model, version)
    except ModelError as error:
        problem = problem_of(error)
    written = (store.home / "models" / model / version).stat().st_mtime
    return TrainingRun(
        model=model,
        version=version,
        state=_state(store, model, version),
        kept_at=dt.datetime.fromtimestamp(written, dt.UTC).replace(tzinfo=None),
        record=record,
        problem=problem,
    )


def _state(store: Store, model: str, version: str) -> RunState:
    champion, newest = pointed(store.home, model, CHAMPION), pointed(store.home, model, CANDIDATE)
    if version == champion:
        return "in force"
    if version == newest:
        return "in use" if champion is None else "candidate"
    return "earlier"


def _summary(run: TrainingRun) -> RunSummaryAnswer:
    return RunSummaryAnswer(
        model=run.model,
        title=run.title,
        version=run.version,
        state=run.state,
        kept_at=run.kept_at.replace(tzinfo=dt.UTC),
    )


def _in_short(record: TrainingRecord, days: int) -> RunHorizonAnswer:
    tested, verdicts = record.backtests[days], [gate.verdict for gate in record.gates[days]]
    return RunHorizonAnswer(
        horizon_days=days,
        proven=tested.proven,
        auc=tested.model.get("auc", NO_FIGURE),
        gates_failed=verdicts.count("fail"),
        gates_insufficient=verdicts.count("insufficient"),
    )


def _in_detail(horizon: HorizonAnswer, record: TrainingRecord) -> RunHorizonDetailAnswer:
    days = horizon.horizon_days
    tested, audit = record.backtests[days], record.fairness.get(days)
    return RunHorizonDetailAnswer(
        **dict(horizon),
        training=record.training.get(days),
        folds=tested.folds,
        bins=tested.bins,
        lists=tuple(map(_of_length, tested.lists)),
        by_year=tested.by_year,
        fairness=None if audit is None else HorizonFairnessAnswer.of(days, audit),
    )


def _of_length(record: ListRecord) -> ListLengthAnswer:
    return ListLengthAnswer(**{name: getattr(record, name) for name in ListLengthAnswer.model_fields})
