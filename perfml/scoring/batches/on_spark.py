"""Scoring on Spark: executors predict people in parts and explain them in stretches of the list, each in its order, and their
rows pass this machine one after the other.

Tasks leave tables for each other in files: for the groups that people are compared within, for columns, to find what is
ordinary in each, and for the stretches of each horizon's list. See
``docs/decisions/0062-scoring-on-spark.md``.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.evidence.engines.spark import SparkEngine
from perfml.evidence.sources import Data
from perfml.evidence.tasks.exchange import Exchange
from perfml.learning.dataset.conditions import require_names
from perfml.learning.dataset.table import columns_of
from perfml.learning.registry.model_store import Model
from perfml.learning.registry.shipping import ShippedModel
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import Relation
from perfml.reasons.few_others import compared_columns
from perfml.reasons.selection import Spread
from perfml.scoring.batches.listing import (
    SAMPLED,
    ColumnsTask,
    ExplainTask,
    ListingTask,
    SpreadTask,
    cuts_of,
    evidence_of,
)
from perfml.scoring.batches.prediction import Prediction, scored_people
from perfml.scoring.batches.ranking import ranked
from perfml.scoring.batches.scored_people import CHUNK
from perfml.scoring.batches.tasks import AnswerTask, OthersTask, PeopleAtDate
from perfml.scoring.debt import Debt, Owed, debt_of
from perfml.scoring.sealed_files import ROW_GROUP, in_groups
from perfml.scoring.what_if.evidence import evidence_rows, write_evidence
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.undelivered import delivery_holds

VALUES_AT_ONCE = 20_000_000
"""Values of evidence that a task looks at to find what is ordinary, or those of one column if these are more."""


def score_on_spark(
    data: Data,
    folder: ProjectFolder,
    model: Model,
    *,
    as_of: Sequence[dt.date],
    home: Path | None,
    held: Mapping[dt.date, Mapping[str, Hold]],
    evidence: Path | None = None,
    progress: Progress = SILENT,
) -> Iterator[pa.Table]:
    """The rows of :func:`perfml.scoring.scoring.score_in_parts`; ``home``: where the model lies."""
    engine, dates = data.engine, sorted(set(as_of))
    assert isinstance(engine, SparkEngine) and home is not None
    require_names(folder.definitions, model.spec, model.name)
    with engine.named_failures(), engine.scratch() as of_run:
        shipped = ShippedModel.of(home, model.name, model.version)
        prediction = Prediction(
            engine=engine, model=model, shipped=shipped, least_others=folder.spec.disclosure.min_others
        )
        progress("people", 0, 1)
        layout = engine.lay_out(folder.definitions, dates, kinds=model.kinds, estimate=True)
        model.require_evidence(columns_of(model.spec, layout.columns))
        share = folder.definitions.holes.hold_share
        holds = {day: {**delivery_holds(layout.missing, day, hold_share=share), **held[day]} for day in dates}
        for people in prediction.people(layout, progress, held=holds, stated=True, folder=of_run):
            debt = debt_of(
                data,
                folder.definitions,
                model,
                layout.missing,
                as_of=people.as_of,
                score_past=prediction.score_past,
                progress=progress,
            )
            with engine.scratch() as scratch:
                scoring = DateScoring(prediction=prediction, people=people, folder=scratch, debt=debt)
                yield from scoring.rows(evidence, progress)


@dataclass(frozen=True, kw_only=True)
class DateScoring:
    """Everyone at one date."""

    prediction: Prediction
    people: PeopleAtDate
    folder: Path
    """What tasks leave for each other."""
    debt: Debt | None = None
    """Of the days that are missing from the log."""

    def rows(self, evidence: Path | None, progress: Progress) -> Iterator[pa.Table]:
        """The rows of all horizons; ``evidence``: the home where the evidence of everyone with a score is kept."""
        day, model, run = self.people.as_of, self.prediction.model, self.prediction.engine.run
        horizons, n_parts = list(model.risks), self.people.evidence.senders
        progress(f"predicting {day}", 0, 1)
        task = self.prediction.task(self.people, self.folder, others=self._others(), whole=True)
        predicted = task.predicted
        assert predicted is not None
        run(task, n_parts)
        n = pq.read_metadata(self.people.positions).num_rows
        n_scored, sample = _sampled(task.margins, n)
        spread = self._spread(predicted, n_scored)
        if evidence is not None:
            self._keep_evidence(predicted, evidence, n_scored)
        progress(f"scoring {day}", 0, 1)
        n_stretches = max(1, -(-n // CHUNK))
        n_lists = n_stretches * len(horizons)
        listing = ListingTask(
            cuts=cuts_of(sample, n_horizons=len(horizons), n_stretches=n_stretches),
            predicted=predicted,
            listed=self._exchange("listed", n_parts, n_lists),
        )
        run(listing, n_parts)
        shutil.rmtree(predicted.folder)
        explain = ExplainTask(
            shipped=self.prediction.shipped,
            as_of=day,
            spread=spread,
            owed=self._owed(task.margins),
            listed=listing.listed,
            rows=self._exchange("rows", n_lists, 1),
        )
        run(explain, n_lists)
        shutil.rmtree(listing.listed.folder)
        for horizon, days in enumerate(horizons):
            stretches = range(horizon * n_stretches, (horizon + 1) * n_stretches)
            parts = (part for stretch in stretches if (part := explain.rows.piece(stretch)) is not None)
            done = 0
            listed = ranked(parts, n_scored=n_scored, spec=model.spec.list, proven=model.proven(days))
            for part in in_groups(listed, rows=ROW_GROUP):
                yield part
                done += part.num_rows
                progress(f"scoring {day}, {days} d", done, n)

    def _exchange(self, name: str, senders: int, receivers: int) -> Exchange:
        return Exchange(self.folder / name, senders, receivers)

    def _others(self) -> Mapping[Relation, Exchange]:
        """How many of each group have a value in each column that compares them, for the parts."""
        engine, columns, n = self.prediction.engine, self.prediction.model.columns, self.people.evidence.senders
        compared = {
            relation: tuple(columns[number].name for number in numbers)
            for relation, numbers in compared_columns(columns).items()
        }
        counts = {each: self._exchange(f"counts_{each}", n, engine.parallel) for each in compared}
        others = {each: self._exchange(f"others_{each}", engine.parallel, n) for each in compared}
        if compared:
            engine.run(OthersTask(people=self.people, columns=compared, counts=counts), n)
            engine.run(AnswerTask(counts=counts, others=others), engine.parallel)
        return others

    def _spread(self, predicted: Exchange, n_scored: int) -> Spread:
        """What is ordinary among the people with a score."""
        model, run = self.prediction.model, self.prediction.engine.run
        n_columns, n_parts = len(model.columns), predicted.senders
        n = min(n_columns, max(self.prediction.engine.parallel, n_scored * n_columns // VALUES_AT_ONCE))
        columns = self._exchange("columns", n_parts, n)
        run(ColumnsTask(predicted=predicted, n_columns=n_columns, columns=columns), n_parts)
        task = SpreadTask(
            columns=columns,
            middle_share=model.spec.reasons.middle_share,
            spreads=self._exchange("spreads", n, 1),
        )
        run(task, n)
        shutil.rmtree(columns.folder)
        ends = pa.concat_tables(spreads for number in range(n) if (spreads := task.spreads.piece(number)) is not None)
        return Spread(**{field.name: ends.column(field.name).to_numpy() for field in fields(Spread)})

    def _owed(self, of_everyone: Exchange) -> Sequence[Owed | None]:
        """What missing days may do to the scores of each horizon: this machine draws over everyone's margins."""
        horizons, debt = list(self.prediction.model.risks), self.debt
        if debt is None:
            return [None] * len(horizons)
        # a number for each horizon and person, in the order of ids
        parts = [
            (margins, np.array([person in debt.people for person in ids], dtype=bool))
            for ids, margins in scored_people(of_everyone, len(horizons))
        ]
        margins, concerned = (np.concatenate(each) for each in zip(*parts, strict=True))
        may_change = [
            debt.may_change(margins[:, number], concerned, self._capacity(len(margins), days), days)
            for number, days in enumerate(horizons)
        ]
        changed, low = [set[str]() for _ in horizons], 0
        for ids, _ in scored_people(of_everyone, len(horizons)):
            for names, of_horizon in zip(changed, may_change, strict=True):
                names.update(ids[of_horizon[low : low + len(ids)]])
            low += len(ids)
        return [debt.owed(days, frozenset(names)) for days, names in zip(horizons, changed, strict=True)]

    def _capacity(self, n_scored: int, horizon: int) -> int:
        return self.prediction.model.spec.list.capacity(n_scored) if self.prediction.model.proven(horizon) else 0

    def _keep_evidence(self, predicted: Exchange, home: Path, n_scored: int) -> None:
        """Keep the evidence of everyone with a score, as one machine does."""
        model = self.prediction.model
        names = [column.name for column in model.columns]

        def of_people(people: pa.Table) -> pa.Table:
            values, shown = evidence_of(people, len(names))
            ids = people.filter(people.column("evidence").is_valid()).column("employee_id").to_pylist()
            return evidence_rows(names, ids, values=values, shown=shown)

        parts = (
            of_people(part.slice(low, ROW_GROUP))
            for _, part in predicted.pieces(0)
            for low in range(0, part.num_rows, ROW_GROUP)
        )
        write_evidence(home, parts, model=model.name, version=model.version, as_of=self.people.as_of, people=n_scored)


def _sampled(margins: Exchange, n: int) -> tuple[int, pa.Table]:
    """How many of the ``n`` people have a score, and the margins of a sample of all."""
    n_scored, sample = 0, list[pa.Table]()
    for _, people in margins.pieces(0):
        n_scored += people.num_rows - people.column("margins").null_count
        sample.append(people.take(pa.array(np.arange(0, people.num_rows, 1 + n // SAMPLED))))
    return n_scored, pa.concat_tables(sample)
