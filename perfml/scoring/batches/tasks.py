"""What Spark's executors do with people's evidence before they are listed: who has a score, from which values. Without Spark.

Tasks leave tables for each other (:mod:`perfml.evidence.tasks.exchange`); a part is one of persons, in the order of ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.evidence.engines.spark_part import groups_of, numbers_of
from perfml.evidence.tasks.exchange import Exchange, parted
from perfml.learning.dataset.conditions import true_of
from perfml.learning.registry.model_store import Model
from perfml.learning.registry.shipping import ShippedModel
from perfml.project.spec import Relation
from perfml.reasons.few_others import compared_columns, may_not_be_stated
from perfml.scoring.batches.packing import packed, packed_bits, packed_incidences
from perfml.scoring.batches.rows import HELD, OPTED_OUT, SCORED, statuses
from perfml.scoring.batches.scored_people import CHUNK

INSIDE, WITHHELD, WHY_NOT = "is inside", "is withheld", "is withheld why"
"""Columns beside the evidence: whether a person belongs to the model's population, and what withholds a score."""
PREDICTIONS: Final = pa.schema(
    [
        ("employee_id", pa.string()),
        ("status", pa.string()),
        ("why_not", pa.string()),
        ("segments", pa.list_(pa.string())),
        ("margins", pa.list_(pa.float64())),
        ("predictions", pa.binary()),
        ("evidence", pa.binary()),
        ("stated", pa.binary()),
        ("unstated", pa.binary()),
    ]
)
"""A person: the ``margins`` of all horizons, all fields of Incidences one after the other, the values of the model's columns, the
same without estimates (empty where nobody's are estimated), and which may not be stated; empty without a score."""


@dataclass(frozen=True, kw_only=True)
class PeopleAtDate:
    """Everyone at one date, in parts."""

    as_of: dt.date
    number: int
    """Of the date, the receiver of its evidence."""
    evidence: Exchange
    """With estimates where days are missing from the log."""
    stated: Exchange | None
    """Without estimates; None where nothing is estimated."""
    positions: str
    """A Parquet file by person: facts that conditions ask for, the groups of comparisons, and what withholds a score."""
    before_record: frozenset[str]
    """Columns that are missing at the date."""

    def beside(self, evidence: pa.Table) -> pa.Table:
        """``evidence`` of neighbours, by person, with their positions."""
        ids = evidence.column("employee_id")
        between = (pc.field("employee_id") >= ids[0]) & (pc.field("employee_id") <= ids[-1])
        positions = pq.read_table(self.positions, filters=between, use_threads=False)
        if not positions.column("employee_id").equals(ids):
            raise RuntimeError(f"{self.positions} has other people than the evidence at {self.as_of}")
        for name in positions.column_names[1:]:
            evidence = evidence.append_column(name, positions.column(name))
        return evidence

    def values(self, rows: pa.Table, name: str) -> Floats:
        """A column of evidence (rows,)."""
        if name in self.before_record:
            return np.full(rows.num_rows, np.nan)
        values: Floats = rows.column(name).to_numpy()
        return values


@dataclass(frozen=True, kw_only=True)
class OthersTask:
    """Counts, in each part, how many people of a group have a value in the columns that compare them."""

    people: PeopleAtDate
    columns: Mapping[Relation, tuple[str, ...]]
    counts: Mapping[Relation, Exchange]
    """A task has the groups of some hashes."""

    def __call__(self, part: int) -> None:
        """Leave the counts of ``part`` for the groups."""
        rows = (self.people.stated or self.people.evidence).piece(part, self.people.number)
        people = None if rows is None else self.people.beside(rows)
        for relation, names in self.columns.items():
            self.counts[relation].write(part, () if people is None else self._counts(people, relation, names))

    def _counts(
        self, people: pa.Table, relation: Relation, names: Sequence[str]
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        known = {name: pa.array((~np.isnan(self.people.values(people, name))).astype(np.int64)) for name in names}
        table = pa.table({"group": groups_of(people, relation).cast(pa.string()), **known})
        counts = added_up(table.filter(pc.field("group").is_valid()))
        groups = counts.column("group").combine_chunks().dictionary_encode()
        yield from parted(counts, numbers_of(groups, self.counts[relation].receivers))


@dataclass(frozen=True, kw_only=True)
class AnswerTask:
    """Adds up the counts of some groups, and answers each part that has people of them."""

    counts: Mapping[Relation, Exchange]
    others: Mapping[Relation, Exchange]

    def __call__(self, number: int) -> None:
        """Leave the sums of the groups ``number``."""
        for relation, counts in self.counts.items():
            self.others[relation].write(number, _answers(list(counts.pieces(number))))


def _answers(counts: Sequence[tuple[int, pa.Table]]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield for each part the sums over all parts of the groups that it counted."""
    if not counts:
        return
    everyone = added_up(pa.concat_tables(of_part for _, of_part in counts))
    for part, of_part in counts:
        own = everyone.filter(pc.is_in(everyone.column("group"), value_set=of_part.column("group")))
        for batch in own.to_batches():
            yield part, batch


def added_up(counts: pa.Table) -> pa.Table:
    """The sums of all other columns of each ``group``."""
    names = [name for name in counts.column_names if name != "group"]
    sums = counts.group_by("group").aggregate([(name, "sum") for name in names])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])


@dataclass(frozen=True, kw_only=True)
class PeopleTask:
    """Reads people at one date: who has a score, from which values, and which of them may be stated; and predicts."""

    shipped: ShippedModel
    people: PeopleAtDate
    conditions: Mapping[str, str]
    """Key of the definition -> its SQL."""
    least_others: int
    others: Mapping[Relation, Exchange]
    """How many people of a group have a value; of nobody what compares people is stated without."""
    predicted: Exchange | None
    """:data:`PREDICTIONS` of each part for one receiver; None where margins are asked for alone."""
    margins: Exchange
    """The ids and margins of each part for one receiver."""

    @property
    def model(self) -> Model:
        """The model, loaded once a process."""
        return self.shipped.model()

    def __call__(self, part: int) -> None:
        """Leave the predictions of ``part``."""
        evidence = self.people.evidence.piece(part, self.people.number)
        stated = None if self.people.stated is None else self.people.stated.piece(part, self.people.number)
        chunks = list[pa.Table]()
        others = {relation: table for relation, each in self.others.items() if (table := each.table(part)) is not None}
        if evidence is not None:
            for low in range(0, evidence.num_rows, CHUNK):
                rows = self.people.beside(evidence.slice(low, CHUNK))
                chunks.append(self._predicted(rows, None if stated is None else stated.slice(low, CHUNK), others))
        for exchange, columns in ((self.margins, ["employee_id", "margins"]), (self.predicted, PREDICTIONS.names)):
            if exchange is not None:
                exchange.write(part, ((0, batch) for rows in chunks for batch in rows.select(columns).to_batches()))

    def _predicted(
        self, rows: pa.Table, without_estimates: pa.Table | None, others: Mapping[Relation, pa.Table]
    ) -> pa.Table:
        status, values, model = self._status(rows), self._values(rows), self.model
        stated = values if without_estimates is None else self._values(without_estimates)
        scored = status == SCORED
        incidences = model.incidences(values[scored])
        segments = {name: self._true(rows, f"segments.{name}.where") for name in model.spec.segments}
        members = [[name for name, member in segments.items() if member[row]] for row in range(len(status))]
        why = rows.column(WHY_NOT).to_pylist()
        arrays = [
            rows.column("employee_id"),
            pa.array(status, pa.string()),
            pa.array(
                [text if of in (HELD, OPTED_OUT) else None for text, of in zip(why, status, strict=True)], pa.string()
            ),
            pa.array(members, pa.list_(pa.string())),
            *(
                spread_out(array, scored)
                for array in (
                    pa.array(list(incidences.margin), pa.list_(pa.float64())),
                    packed_incidences(incidences),
                    packed(values[scored]),
                    pa.nulls(int(scored.sum()), pa.binary()) if stated is values else packed(stated[scored]),
                    packed_bits(self._unstated(rows, stated, others)[scored]),
                )
            ),
        ]
        return pa.Table.from_arrays(arrays, schema=PREDICTIONS)

    def _true(self, rows: pa.Table, key: str) -> Bools:
        return true_of(self.conditions[key], rows, where=f"models/{self.shipped.name}.toml [{key}]")

    def _status(self, rows: pa.Table) -> Objects:
        eligible = self._true(rows, "population.eligible") & rows.column(INSIDE).to_numpy()
        withheld = rows.column(WITHHELD).to_numpy()
        return statuses(withheld, eligible=eligible, thin=self._true(rows, "population.thin"))

    def _values(self, rows: pa.Table) -> Floats:
        columns = [self.people.values(rows, column.name) for column in self.model.columns]
        return np.ascontiguousarray(np.array(columns, dtype=np.float64).reshape(len(columns), rows.num_rows).T)

    def _unstated(self, rows: pa.Table, values: Floats, others: Mapping[Relation, pa.Table]) -> Bools:
        """(rows, the model's columns): whether too few others stand behind a value for it to be stated."""
        unstated = np.zeros(values.shape, bool)
        columns = self.model.columns
        for relation, numbers in compared_columns(columns).items():
            groups = groups_of(rows, relation).cast(pa.string())
            for number in numbers:
                counts = count_of(groups, others.get(relation), columns[number].name)
                known = ~np.isnan(values[:, number]) & groups.is_valid().to_numpy(zero_copy_only=False)
                unstated[:, number] = may_not_be_stated(known, counts - 1, least=self.least_others)
        return unstated


def margins_of(people: pa.Table, n_horizons: int) -> Floats:
    """(people, horizons): the ``margins``; NaN without a score."""
    given = people.column("margins").combine_chunks()
    margins = np.full((people.num_rows, n_horizons), np.nan)
    margins[given.is_valid().to_numpy(zero_copy_only=False)] = given.flatten().to_numpy().reshape(-1, n_horizons)
    return margins


def count_of(groups: pa.Array, others: pa.Table | None, name: str) -> Ints:
    """How many people of each of ``groups`` have a value in the column ``name``; 0 for a missing group."""
    if others is None:
        return np.zeros(len(groups), np.int64)
    at = pc.index_in(groups, value_set=others.column("group"), skip_nulls=True)
    counts: Ints = others.column(name).combine_chunks().take(at).fill_null(0).to_numpy(zero_copy_only=False)
    return counts


def spread_out(values: pa.Array, given: Bools) -> pa.Array:
    """``values`` of those who have one (``given``: (n,)), null for the others."""
    at = np.where(given, np.cumsum(given) - 1, 0)
    return values.take(pa.array(at, mask=~given))
