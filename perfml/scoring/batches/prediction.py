"""People's evidence on Spark, and what is known of them beside it, for the tasks that predict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from perfml.arrays import Floats, Objects
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark import SparkEngine
from perfml.evidence.engines.spark_part import by
from perfml.evidence.population.membership import condition
from perfml.evidence.snapshots import PEOPLE
from perfml.evidence.tables.reading import quoted
from perfml.evidence.tasks.exchange import Exchange
from perfml.learning.dataset.conditions import conditions, named_columns
from perfml.learning.dataset.table import names_before_record
from perfml.learning.registry.model_store import Model
from perfml.learning.registry.shipping import ShippedModel
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.project.spec import Relation
from perfml.reasons.few_others import MEMBERS
from perfml.scoring.batches.rows import withheld_status
from perfml.scoring.batches.tasks import INSIDE, WHY_NOT, WITHHELD, PeopleAtDate, PeopleTask, margins_of
from perfml.scoring.debt import PastMargins, concerned
from perfml.trust.holds.hold import Hold


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Computes the evidence of a model on Spark, and makes the tasks that predict from it."""

    engine: SparkEngine
    model: Model
    shipped: ShippedModel
    least_others: int

    def people(
        self,
        layout: Layout,
        progress: Progress,
        *,
        held: Mapping[dt.date, Mapping[str, Hold]],
        stated: bool,
        folder: Path,
    ) -> tuple[PeopleAtDate, ...]:
        """The people at each date of ``layout``, with their evidence in ``folder``; needs their snapshots.

        ``held``: people without a score at each date; ``stated``: whether it is asked what may be stated of them.
        """
        needed = _asked(self.model).union(column.name for column in self.model.columns)
        columns = [column.name for column in layout.columns if column.name in needed]
        available = {column.name for column in layout.columns}
        positions = [
            lend_positions(self.engine, self.model, available, as_of=day, held=held[day]) for day in layout.as_ofs
        ]
        evidence = self.engine.evidence(layout, folder / "evidence").dates(progress, columns=columns)
        without = None
        if stated and layout.missing:
            unestimated = self.engine.evidence(replace(layout, estimate=False), folder / "stated")
            without = unestimated.dates(progress, columns=columns)
        return tuple(
            PeopleAtDate(
                as_of=day,
                number=number,
                evidence=evidence,
                stated=without,
                positions=positions[number],
                before_record=names_before_record(layout.columns, day, layout.record_begins),
            )
            for number, day in enumerate(layout.as_ofs)
        )

    def task(
        self, people: PeopleAtDate, folder: Path, *, others: Mapping[Relation, Exchange], whole: bool
    ) -> PeopleTask:
        """What predicts, and leaves its tables in ``folder``; ``whole``: more than margins."""
        n = people.evidence.senders
        return PeopleTask(
            shipped=self.shipped,
            people=people,
            conditions=conditions(self.model.spec),
            least_others=self.least_others,
            others=others,
            predicted=Exchange(folder / "predicted", n, 1) if whole else None,
            margins=Exchange(folder / "margins", n, 1),
        )

    def score_past(self, definitions: Definitions, day: dt.date, among: frozenset[str] | None) -> PastMargins:
        """See :data:`~perfml.scoring.debt.PastScoring`: of the people who are concerned the margins come to this machine."""
        layout = self.engine.lay_out(definitions, [day], kinds=self.model.kinds, estimate=True)
        among = concerned(layout.missing, day) if among is None else among
        with self.engine.scratch() as folder:
            (people,) = self.people(layout, SILENT, held={day: {}}, stated=False, folder=folder)
            task = self.task(people, folder, others={}, whole=False)
            self.engine.run(task, people.evidence.senders)
            n_horizons = len(self.model.risks)
            parts = [(np.empty(0, object), np.empty((0, n_horizons)))]
            for ids, margins in scored_people(task.margins, n_horizons):
                own = np.array([person in among for person in ids], dtype=bool)
                parts.append((ids[own], margins[own]))
        employee_ids, of_all = (np.concatenate(each) for each in zip(*parts, strict=True))
        return PastMargins(concerned=among, employee_ids=employee_ids, margins=of_all)


def scored_people(margins: Exchange, n_horizons: int) -> Iterator[tuple[Objects, Floats]]:
    """Yield the ids of the people with a score of each part, ascending, and their margins (people, horizons)."""
    for part in range(margins.senders):
        people = margins.piece(part)
        if people is not None:
            scored = people.filter(people.column("margins").is_valid())
            yield scored.column("employee_id").to_numpy(), margins_of(scored, n_horizons)


def _asked(model: Model) -> set[str]:
    """The names in the model's conditions."""
    return {name for key, sql in conditions(model.spec).items() for name in named_columns(sql, where=key)}


def lend_positions(
    engine: SparkEngine, model: Model, available: set[str], *, as_of: dt.date, held: Mapping[str, Hold]
) -> str:
    """The file of :class:`PeopleAtDate`: of everyone what a condition asks of the position, the groups of comparisons, whether
    the model's population holds the person, and what withholds the score; ``available``: the evidence that there is."""
    facts = [quoted(name) for name in PEOPLE if name in _asked(model) and name not in available]
    groups = [f"{quoted(name)} as {quoted(by(name))}" for name in chain.from_iterable(MEMBERS.values())]
    inside = condition(model.spec.population.where, file=f"models/{model.name}.toml")
    selected = ", ".join([*facts, *groups, f"{inside} as {quoted(INSIDE)}"])
    withheld = pa.table(
        {
            "employee_id": pa.array(list(held), pa.string()),
            WITHHELD: pa.array([withheld_status(hold) for hold in held.values()], pa.string()),
            WHY_NOT: pa.array([hold.message.model_dump_json() for hold in held.values()], pa.string()),
        }
    )
    connection = engine.data.connection
    connection.register("withheld_scores", withheld)
    people = f"select employee_id, {selected} from people where as_of = date '{as_of}'"
    path = engine.lend(
        f"select * from ({people}) left join withheld_scores using (employee_id) order by employee_id",
        f"positions_{as_of}",
    )
    connection.unregister("withheld_scores")
    return path
