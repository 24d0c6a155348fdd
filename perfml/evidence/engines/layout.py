"""What one run computes, whoever computes it: the compiled windows, the relational files, and the columns that these give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfml.arrays import Objects
from perfml.errors import DataError
from perfml.evidence.columns import Column, require_unique_names
from perfml.evidence.comparison import GROUPED_BY, BetweenPeople
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.holes.known import KnownHoles, people_of_holes
from perfml.evidence.log.cells import discover_kinds, record_begins
from perfml.evidence.log.exposure import Exposure, gap_of
from perfml.evidence.log.grid import Grid, epoch_days
from perfml.evidence.log.part import PartPlan
from perfml.evidence.log.windows import Plan, compile_windows
from perfml.evidence.sources import Data
from perfml.messages import Message
from perfml.project.folder import Definitions, RelationalFile, WindowedFile
from perfml.project.spec import Relation

RELATIONS: dict[Relation, Message] = {"team": Message.of("relation_team"), "peers": Message.of("relation_peers")}


@dataclass(frozen=True, kw_only=True)
class LostKinds:
    """A hole as known at one as-of date, with the kinds of event of which rows are missing."""

    reached: MissingDays
    kinds: frozenset[str]
    row: int
    """The as-of date, as a position."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The columns of a run, and the files that give them."""

    columns: tuple[Column, ...]
    """Windowed columns, then those of ``relational``, then those of ``derived``."""
    between: tuple[BetweenPeople, ...]
    """The columns computed between people."""
    relational: tuple[RelationalFile, ...]
    """Files that select from tables."""
    derived: tuple[RelationalFile, ...]
    """Files that select from columns of other files."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What one run computes."""

    plan: Plan
    grid: Grid
    selection: Selection
    columns: tuple[Column, ...]
    """Those of ``selection``, then those computed between people."""
    decimals: int
    """Of the values of events."""
    left_out: tuple[Message, ...]
    populations: tuple[WindowedFile | RelationalFile, ...]
    """Evidence with a population: its values are missing for everyone else."""
    record_begins: Mapping[dt.date, dt.date]
    lost: tuple[LostKinds, ...]
    """The holes of the log at each as-of date."""
    estimate: bool
    """Whether evidence over missing days is estimated instead of left out."""

    @property
    def as_ofs(self) -> tuple[dt.date, ...]:
        """The as-of dates, ascending."""
        return tuple(self.grid.as_ofs.astype("M8[D]").tolist())

    @property
    def part_plan(self) -> PartPlan:
        """What the parts of the log are computed with."""
        return PartPlan(plan=self.plan, grid=self.grid, decimals=self.decimals)

    def exposure(self, persons: Objects) -> Exposure | None:
        """The missing days of the log for ``persons``, employee ids; None where no day is missing."""
        return exposure_of(self.plan, self.grid, self.lost, persons, estimate=self.estimate)

    @property
    def missing(self) -> tuple[MissingDays, ...]:
        """The holes of the log with the people and the evidence that they reach."""
        exposure = self.exposure(np.empty(0, object))
        return exposure.reached(self.plan) if exposure else ()


def lay_out(
    data: Data, definitions: Definitions, as_ofs: Sequence[dt.date], *, kinds: Sequence[str] | None, estimate: bool
) -> Layout:
    """Determine the columns. Needs the tables of :func:`~perfml.evidence.snapshots.make_snapshots` at ``as_ofs``, ascending.

    Raises :class:`DataError` when nobody was employed at any of ``as_ofs``.
    """
    require_people(data, as_ofs)
    left_out: list[Message] = []
    plan = plan_of(data, definitions, kinds, before=as_ofs[-1], left_out=left_out)
    selection = _select(data, definitions, plan, left_out=left_out)
    columns = (*selection.columns, *(each.column for each in selection.between))
    require_unique_names(columns)
    files: list[WindowedFile | RelationalFile] = [*definitions.windowed, *definitions.relational]
    return Layout(
        plan=plan,
        grid=Grid(epoch_days(as_ofs), plan.windows),
        selection=selection,
        columns=columns,
        decimals=(data.specs["events"].value_decimals or 0) if data.has("events") else 0,
        left_out=tuple(left_out),
        populations=tuple(file for file in files if file.spec.population.where is not None),
        record_begins=record_begins(data, as_ofs) if plan.columns else {},
        lost=lost_kinds(data, definitions, plan, as_ofs=as_ofs),
        estimate=estimate,
    )


def exposure_of(
    plan: Plan, grid: Grid, lost: Sequence[LostKinds], persons: Objects, *, estimate: bool
) -> Exposure | None:
    """The missing days of the log in the terms of ``plan``, for ``persons``, employee ids; None where no day is missing."""
    if not lost:
        return None
    number = {person: index for index, person in enumerate(persons)}
    gaps = []
    for hole in lost:
        concerned = np.zeros(len(persons), bool)
        concerned[[number[person] for person in hole.reached.people if person in number]] = True
        gaps.append(gap_of(plan, hole.reached, hole.kinds, row=hole.row, people=concerned))
    return Exposure(as_ofs=grid.as_ofs, n=len(persons), gaps=tuple(gaps), windows=plan.windows, estimate=estimate)


def require_people(data: Data, as_ofs: Sequence[dt.date]) -> None:
    """Raise :class:`DataError` when nobody was employed at any of ``as_ofs``."""
    if not data.query("select 1 from people limit 1").num_rows:
        raise DataError(
            Message.of("nobody_employed"),
            where=f"{data.source} at {as_ofs[0]} … {as_ofs[-1]}",
            remedy=Message.of("nobody_employed_remedy"),
        )


def lost_kinds(data: Data, definitions: Definitions, plan: Plan, *, as_ofs: Sequence[dt.date]) -> tuple[LostKinds, ...]:
    """The holes of the log at each date of ``as_ofs``."""
    if not plan.columns:
        return ()
    holes = definitions.holes
    known = data.once(
        ("holes", holes.model_dump_json(), *as_ofs), lambda: KnownHoles(data, holes, as_ofs)
    )  # they take as long to find as the rest
    holes_at = [(row, as_of, hole) for row, as_of in enumerate(as_ofs) for hole in known.at[as_of]]
    lost = []
    people = people_of_holes(data, [(hole, as_of) for _, as_of, hole in holes_at])
    for (row, as_of, hole), ids in zip(holes_at, people, strict=True):
        share = known.log_share(hole, as_of)
        reached = MissingDays(hole=hole, as_of=as_of, people=tuple(sorted(ids)), log_share=share)
        lost.append(LostKinds(reached=reached, kinds=known.kinds(hole, as_of), row=row))
    return tuple(lost)


def plan_of(
    data: Data, definitions: Definitions, kinds: Sequence[str] | None, *, before: dt.date, left_out: list[Message]
) -> Plan:
    """The windowed columns, for ``kinds`` or for the kinds that the log held before ``before``."""
    if not data.has("events"):
        left_out += [Message.of("no_table", evidence=file.name, table="events") for file in definitions.windowed]
        return Plan((), ())
    has_counterparts = "counterpart_id" in data.columns["events"]
    if not has_counterparts:
        left_out.append(Message.of("no_counterparts"))
    if kinds is None:
        kinds = discover_kinds(data, before.isoformat())
    return compile_windows(definitions.windowed, kinds, has_counterparts=has_counterparts)


def _select(data: Data, definitions: Definitions, plan: Plan, *, left_out: list[Message]) -> Selection:
    """The relational files whose tables or columns are available; those that read other columns come last."""
    columns = [c.column for c in plan.columns]
    between = [BetweenPeople(source=c.column, relation=relation) for c in plan.columns for relation in c.compare]
    team = [
        BetweenPeople(source=c.column, relation="team", summary=summary) for c in plan.columns for summary in c.team
    ]
    available: list[RelationalFile] = []
    for file in sorted(definitions.relational, key=lambda file: bool(file.spec.reads)):
        absent = _absent(data, file, columns)
        if absent is not None:
            left_out.append(absent)
            continue
        available.append(file)
        for column, relations in relational_columns(file):
            columns.append(column)
            between += [BetweenPeople(source=column, relation=relation) for relation in relations]
    return Selection(
        columns=tuple(columns),
        between=_known_relations(data, (*between, *team), left_out=left_out),
        relational=tuple(file for file in available if not file.spec.reads),
        derived=tuple(file for file in available if file.spec.reads),
    )


def _absent(data: Data, file: RelationalFile, columns: Sequence[Column]) -> Message | None:
    """Which tables or columns of ``file`` are absent; None where none is."""
    if file.spec.reads:
        available = {column.name for column in columns}
        absent = tuple(name for name in file.spec.reads if name not in available)
        return Message.of("no_column", evidence=file.name, column=absent) if absent else None
    absent = tuple(name for name in file.spec.needs if name != "people" and not data.has(name))
    return Message.of("no_table", evidence=file.name, table=", ".join(absent)) if absent else None


def relational_columns(file: RelationalFile) -> Iterator[tuple[Column, tuple[Relation, ...]]]:
    """The columns of ``file``, each with the relations it is compared within."""
    for name, meta in file.spec.columns.items():
        column = Column(
            name=name,
            evidence=file.name,
            reason=meta.reason or file.name,
            reason_zh=file.spec.zh,
            reason_en=file.spec.en,
            zh=meta.zh,
            en=meta.en,
            unit=meta.unit,
            direction=meta.direction,
            owner=meta.owner,
            change=meta.change,
        )
        yield column, meta.compare


def _known_relations(
    data: Data, between: Sequence[BetweenPeople], *, left_out: list[Message]
) -> tuple[BetweenPeople, ...]:
    """``between`` without what is computed within a relation that is known for nobody."""
    known: set[Relation] = set()
    for relation in RELATIONS:
        given = " and ".join(f"{column} is not null" for column in GROUPED_BY[relation])
        if data.query(f"select 1 from people where {given} limit 1").num_rows:
            known.add(relation)
    for relation in sorted({each.relation for each in between} - known):
        left_out.append(Message.of("no_relation", relation=RELATIONS[relation]))
    return tuple(each for each in between if each.relation in known)
