"""A person beside others, computed when people are scored: their own value, and the mean of others of a group.

Whoever reads figures of a person knows that person's own; a manager knows those of a whole line. So the mean of a group is used
only where disclosure control lets its sum be shown, and where what remains of it beside any manager's line could be shown too, or
is nobody. Groups that give another one away are not used either (:mod:`perfml.disclosure.tables`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.arrays import Bools, Floats, Indexes, Objects
from perfml.disclosure.primary import primary
from perfml.disclosure.tables import GroupTable
from perfml.errors import DefinitionError
from perfml.evidence.features import build
from perfml.evidence.sources import Data
from perfml.learning.dataset.conditions import REMEDY
from perfml.project.folder import Definitions
from perfml.project.spec import DisclosureRules
from perfml.project.trust.peers_spec import PeerGroup, PeersSpec
from perfml.scoring.personal.files import PEERS, SCHEMA

DECIMALS = 2
"""Of a mean; of a share two more."""
Above = frozenset[int]
"""Everyone above a person, by number."""


@dataclass(frozen=True, kw_only=True)
class _PeerGroup:
    """A group of people, by their numbers."""

    kind: PeerGroup
    name: str
    people: Indexes


def peer_rows(
    data: Data,
    definitions: Definitions,
    spec: PeersSpec,
    rules: DisclosureRules,
    *,
    as_of: dt.date,
    without: Collection[str] = (),
) -> pa.Table:
    """The figures of everyone employed at ``as_of`` but those in ``without``, who are in no group either.

    The values of a row are :data:`~.files.PEER_COLUMNS`.

    Raises :class:`DefinitionError` for a column that no definition makes.
    """
    columns = {name: measure.column for name, measure in spec.measures.items()}
    for name, column in columns.items():
        if not definitions.makes(column):
            where = f"[measures.{name}] column of the policy of kind 'peers'"
            raise DefinitionError(f"no evidence is called {column!r}", where=where, remedy=REMEDY)
    evidence = build(data, definitions.making(set(columns.values())), [as_of]).frame
    query = "select employee_id, department, role_family, manager_id from temp.people order by employee_id"
    people = data.connection.execute(query).df()
    present = ~people["employee_id"].isin(list(without)).to_numpy()
    people, evidence = people[present].reset_index(drop=True), evidence[present].reset_index(drop=True)
    ids = people["employee_id"].to_numpy(dtype=object)
    groups = [list(_groups(kind, people)) for kind in spec.groups]
    lines = _lines(ids, people["manager_id"].to_numpy(dtype=object))
    rows: list[tuple[str, list[str | None]]] = []
    for measure, column in columns.items():
        if column not in evidence:
            continue
        values = evidence[column].to_numpy(dtype=np.float64)
        decimals = DECIMALS + 2 * (spec.measures[measure].unit == "share")
        rows += [
            (person, [measure, *figure])
            for person, figure in zip(ids, _figures(values, groups, lines, rules, decimals=decimals), strict=True)
        ]
    days = pa.array([as_of] * len(rows), pa.date32())
    arrays = [[person for person, _ in rows], [PEERS] * len(rows), days, days, [values for _, values in rows]]
    return pa.table([pa.array(each, field.type) for each, field in zip(arrays, SCHEMA, strict=True)], schema=SCHEMA)


def _figures(
    values: Floats, groups: list[list[_PeerGroup]], lines: Mapping[int, Above], rules: DisclosureRules, *, decimals: int
) -> Iterator[list[str | None]]:
    """For each person the own value, and the mean of others with its group; nothing of others where no group may be used."""
    of_person = usable_groups(values, groups, lines, rules)
    sums = {id(group): _sum(values, group) for group in of_person.values()}
    for person, value in enumerate(values):
        own = None if np.isnan(value) else f"{value:.{decimals}f}"
        group = of_person.get(person)
        if group is None:
            yield [own, None, None, None, None]
            continue
        total, n = sums[id(group)]
        others = n - (own is not None)
        mean = (total - (value if own is not None else 0.0)) / others
        yield [own, f"{mean:.{decimals}f}", str(others), group.kind, group.name]


def usable_groups(
    values: Floats, groups: list[list[_PeerGroup]], lines: Mapping[int, Above], rules: DisclosureRules
) -> dict[int, _PeerGroup]:
    """Person → the first of their groups whose mean gives nobody's own value away; people without one are left out.

    ``groups``: for each kind, in the order in which they are tried.
    """
    known = ~np.isnan(values)
    shifted = np.where(known, values - min(0.0, float(np.nanmin(values, initial=0.0))), 0.0)
    refused: set[int] = set()
    judged: set[int] = set()
    while True:
        of_person: dict[int, _PeerGroup] = {}
        for kind in reversed(groups):
            of_person |= {int(person): group for group in kind if id(group) not in refused for person in group.people}
        used = list({id(group): group for group in of_person.values()}.values())
        fresh = [group for group in used if id(group) not in judged]
        failing = {id(group) for group in fresh if not _may_be_shown(group, shifted, known, lines, rules)}
        judged |= {id(group) for group in fresh}
        if not failing and used:
            failing = _given_away(used, shifted, known, rules)
        if not failing:
            return of_person
        refused |= failing


def _may_be_shown(
    group: _PeerGroup, values: Floats, known: Bools, lines: Mapping[int, Above], rules: DisclosureRules
) -> bool:
    """Whether the sum over a group, and over what is left of it beside each manager's line, breaks no rule."""
    people = group.people[known[group.people]]
    if _breaks(values[people], rules):
        return False
    managers = {manager for person in people for manager in lines.get(int(person), ())}
    for manager in managers:
        rest = [person for person in people if person != manager and manager not in lines.get(int(person), ())]
        if rest and _breaks(values[rest], rules):
            return False
    return True


def _breaks(values: Floats, rules: DisclosureRules) -> bool:
    return any(primary(each, rules) is not None for each in (np.ones(len(values)), values))


def _given_away(used: list[_PeerGroup], values: Floats, known: Bools, rules: DisclosureRules) -> set[int]:
    """The groups that must not be used beside the others."""
    member = np.zeros((len(used), len(values)), dtype=bool)
    for row, group in enumerate(used):
        member[row, group.people] = True
    table = GroupTable(
        member=member[:, known],
        person=np.flatnonzero(known),
        values=np.column_stack([np.ones(int(known.sum())), values[known]]),
        known=np.zeros(len(used), dtype=bool),
    )
    return {id(group) for group, why in zip(used, table.withheld(rules), strict=True) if why is not None}


def _sum(values: Floats, group: _PeerGroup) -> tuple[float, int]:
    of_group = values[group.people]
    return float(np.nansum(of_group)), int((~np.isnan(of_group)).sum())


def _groups(kind: PeerGroup, people: pd.DataFrame) -> Iterator[_PeerGroup]:
    if kind == "company":
        yield _PeerGroup(kind=kind, name="", people=np.arange(len(people)))
        return
    names = people[kind].to_numpy(dtype=object)
    for name in sorted({each for each in names if isinstance(each, str)}):
        yield _PeerGroup(kind=kind, name=name, people=np.flatnonzero(names == name))


def _lines(ids: Objects, managers: Objects) -> dict[int, Above]:
    """Person → everyone above them, by number; a circle ends where it closes."""
    number = {str(person): at for at, person in enumerate(ids)}
    above = [number.get(manager) if isinstance(manager, str) else None for manager in managers]
    lines: dict[int, Above] = {}
    for person in range(len(ids)):
        chain: list[int] = []
        manager = above[person]
        while manager is not None and manager != person and manager not in chain:
            chain.append(manager)
            manager = above[manager]
        lines[person] = frozenset(chain)
    return lines
