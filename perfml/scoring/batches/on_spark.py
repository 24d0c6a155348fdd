"""Scoring on Spark: executors predict and explain batches of people, a global sort puts them in the order of the list, and
their rows pass this machine one after the other.

What is exchanged: people's positions with their evidence; how many of a group have a value; each column as a whole, to find what
is ordinary in it; and each person once for each horizon, in the order of the list. See
``docs/decisions/0062-scoring-on-spark.md``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perfml.errors import PerfmlError
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark import SparkEngine, from_arrow
from perfml.evidence.engines.spark_part import by
from perfml.evidence.engines.spark_sql import named
from perfml.evidence.population.membership import condition
from perfml.evidence.snapshots import PEOPLE
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.learning.dataset.conditions import conditions, named_columns, require_names
from perfml.learning.dataset.table import columns_of, names_before_record
from perfml.learning.registry.model_store import Model
from perfml.learning.registry.shipping import ShippedModel
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.reasons.few_others import MEMBERS, compared_columns
from perfml.reasons.selection import Spread
from perfml.scoring.batches.ranking import ranked
from perfml.scoring.batches.rows import withheld_status
from perfml.scoring.batches.tasks import (
    COLUMN_VALUES,
    INSIDE,
    PREDICTIONS,
    ROWS,
    SPREADS,
    WHY_NOT,
    WITHHELD,
    ExplainTask,
    PeopleTask,
    SpreadTask,
    evidence_of,
    from_stream,
    others_of,
)
from perfml.scoring.what_if.evidence import evidence_rows, write_evidence
from perfml.trust.holds.hold import Hold

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PEOPLE_AT_ONCE = 2_000
"""Of whose evidence this machine holds the rows."""


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
    """The rows of :func:`perfml.scoring.scoring.score_in_parts`; ``home``: where the model lies.

    Raises :class:`PerfmlError` where days of the log are missing: what they could move is measured on one machine.
    """
    engine, dates = data.engine, sorted(set(as_of))
    assert isinstance(engine, SparkEngine) and home is not None
    require_names(folder.definitions, model.spec, model.name)
    shipped = ShippedModel.of(home, model.name, model.version)
    with engine.named_failures():
        progress("people", 0, 1)
        layout = engine.lay_out(folder.definitions, dates, kinds=model.kinds, estimate=True)
        _refuse_missing_days(layout)
        model.require_evidence(columns_of(model.spec, layout.columns))
        people = engine.stored(_with_positions(engine, model, layout, progress), "people_with_evidence")
        for day in dates:
            task = PeopleTask(
                shipped=shipped,
                as_of=day,
                before_record=names_before_record(layout.columns, day, layout.record_begins),
                conditions=conditions(model.spec),
                least_others=folder.spec.disclosure.min_others,
            )
            of_day = _with_holds(engine, people.where(f"as_of = date'{day}'"), held[day])
            scoring = DateScoring(engine=engine, model=model, task=task, people=of_day)
            yield from scoring.rows(evidence, progress)


def _refuse_missing_days(layout: Layout) -> None:
    for days in layout.missing[:1]:
        hole = days.hole
        raise PerfmlError(
            Message.of(
                "spark_missing_days",
                days=hole.days,
                as_of=str(days.as_of),
                part=hole.part.text(),
                first=str(hole.first),
                last=str(hole.last),
            ),
            where="[engine] name",
            remedy=Message.of("spark_missing_days_remedy"),
        )


def _with_positions(engine: SparkEngine, model: Model, layout: Layout, progress: Progress) -> DataFrame:
    """The evidence that a score or a condition needs, with what a condition asks of the position, the groups of comparisons, and
    whether the model's population holds the person."""
    asked = {name for key, sql in conditions(model.spec).items() for name in named_columns(sql, where=key)}
    available = [column.name for column in layout.columns]
    needed = asked.union(column.name for column in model.columns)
    facts = [quoted(name) for name in PEOPLE if name in asked and name not in available]
    groups = [f"{quoted(name)} as {quoted(by(name))}" for name in chain.from_iterable(MEMBERS.values())]
    inside = condition(model.spec.population.where, file=f"models/{model.name}.toml")
    selected = ", ".join(["employee_id", "as_of", *facts, *groups, f"{inside} as {quoted(INSIDE)}"])
    evidence = engine.evidence(layout, progress, columns=[name for name in available if name in needed])
    return evidence.join(engine.select(f"select {selected} from people"), ["employee_id", "as_of"])


def _with_holds(engine: SparkEngine, people: DataFrame, held: Mapping[str, Hold]) -> DataFrame:
    """``people`` with what withholds their scores."""
    withheld = pa.table(
        {
            "employee_id": pa.array(list(held), pa.string()),
            WITHHELD: pa.array([withheld_status(hold) for hold in held.values()], pa.string()),
            WHY_NOT: pa.array([hold.message.model_dump_json() for hold in held.values()], pa.string()),
        }
    )
    return people.join(engine.session.createDataFrame(withheld), "employee_id", "left")


@dataclass(frozen=True, kw_only=True)
class DateScoring:
    """Everyone at one date."""

    engine: SparkEngine
    model: Model
    task: PeopleTask
    people: DataFrame
    """Their evidence, positions and holds."""

    def rows(self, evidence: Path | None, progress: Progress) -> Iterator[pa.Table]:
        """The rows of all horizons; ``evidence``: the home where the evidence of everyone with a score is kept."""
        day, horizons = self.task.as_of, list(self.model.risks)
        progress(f"predicting {day}", 0, 1)
        predicted = self.engine.stored(self._with_others().mapInArrow(self.task, from_arrow(PREDICTIONS)), "predicted")
        spread, n_scored = self._spread(predicted)
        if evidence is not None:
            self._keep_evidence(predicted, evidence)
        progress(f"scoring {day}", 0, 1)
        by_horizon = predicted.selectExpr("*", f"explode(sequence(0, {len(horizons) - 1})) as horizon")
        listed = by_horizon.selectExpr("*", "status <> 'scored' as last", "-margins[horizon] as lowest").orderBy(
            "horizon", "last", "lowest", "employee_id"
        )
        explain = ExplainTask(shipped=self.task.shipped, as_of=day, spread=spread)
        self.engine.stored(listed.mapInArrow(explain, from_arrow(ROWS)), "rows_of_scores", large=True)
        batches = self.engine.batches("rows_of_scores", rows=1)
        for horizon, parts in groupby(batches, lambda batch: int(batch.column("horizon")[0].as_py())):
            days = horizons[horizon]
            rows = (from_stream(part.column("rows")[0].as_py()) for part in parts)
            done = 0
            for part in ranked(rows, n_scored=n_scored, spec=self.model.spec.list, proven=self.model.proven(days)):
                yield part
                done += part.num_rows
                progress(f"scoring {day}, {days} d", done, done)

    def _spread(self, predicted: DataFrame) -> tuple[Spread, int]:
        """What is ordinary among the people with a score, and how many they are."""
        task = SpreadTask(n_columns=len(self.model.columns), middle_share=self.model.spec.reasons.middle_share)

        def of_column(values: pa.Table) -> pa.Table:
            return task.of_column(values)

        evidence = predicted.where("evidence is not null").select("evidence")
        values = evidence.mapInArrow(task.columns, COLUMN_VALUES)
        ordinary = values.groupBy("column").applyInArrow(of_column, from_arrow(SPREADS)).toArrow().sort_by("column")
        if not ordinary.num_rows:
            return Spread.of([np.empty(0)] * task.n_columns, middle_share=task.middle_share), 0
        ends = {field.name: ordinary.column(field.name).to_numpy() for field in fields(Spread)}
        return Spread(**ends), ordinary.column("n")[0].as_py()

    def _with_others(self) -> DataFrame:
        """Everyone with how many of their groups have a value in each column that compares with them."""
        from pyspark.sql import functions  # an optional extra

        people = self.people
        for relation, numbers in compared_columns(self.model.columns).items():
            groups = [by(name) for name in MEMBERS[relation]]
            counts = ", ".join(f"count({named(self.model.columns[number].name)})" for number in numbers)
            of_group = self.people.groupBy(*groups).agg(functions.expr(f"array({counts})").alias(others_of(relation)))
            people = people.join(of_group, groups, "left")
        return people

    def _keep_evidence(self, predicted: DataFrame, home: Path) -> None:
        """Keep the evidence of everyone with a score, as one machine does."""
        names, task = [column.name for column in self.model.columns], self.task
        with_score = predicted.where("evidence is not null").select("employee_id", "evidence", "unstated")
        self.engine.stored(with_score.orderBy("employee_id"), "kept_evidence")

        def of_people(people: Sequence[str], values: np.ndarray, unstated: np.ndarray) -> pa.Table:
            return evidence_rows(names, people, values=values, shown=np.where(unstated, np.nan, values))

        nobody = of_people([], np.zeros((0, len(names))), np.zeros((0, len(names)), bool))
        batches = self.engine.batches("kept_evidence", rows=PEOPLE_AT_ONCE)
        parts = (
            of_people(batch.column("employee_id").to_pylist(), *evidence_of(batch, len(names))) for batch in batches
        )
        write_evidence(
            home, chain([nobody], parts), model=self.model.name, version=self.model.version, as_of=task.as_of
        )
